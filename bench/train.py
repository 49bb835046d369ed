"""The work that a server is watched at, to be compiled anew for it: see scripts/build. Python's standard library alone.

What is asked for most counts most. The rest of the API is asked for as well: what was never seen at work is compiled to be small,
and not to be fast. Left to that are the pages behind the sign-in, and the commands.
"""

import argparse
import http.client
import json
import os
import sys
import time
import uuid

import measure

SCOPES = "contacts:read contacts:write contacts:delete users:read api_keys:read api_keys:manage audit:read".split()
OTHERS = ["/", "/sign-in", "/docs", "/healthz", "/readyz", "/nowhere", "/api/v1/nowhere"]
# Seconds of each operation that scripts/bench measures, and of all others together.
SECONDS = 5


class Training(measure.Bench):
    def __init__(self, options):
        super().__init__(options, "target/guided/training", measure.data_of(tenants=100, rounds=200, per_round=50, keys=500))
        # Whatever the environment says of measurements.
        self.connections, self.threads = 64, 1

    def run(self):
        self.make_data()
        for operation in measure.OPERATIONS:
            measure.say(f"  {operation} …")
            self.wrk(self.port, operation, SECONDS, self.connections)
        measure.say("  everything else …")
        self.everything_else()
        # It writes what it counted as it ends.
        self.stop_server()
        self.remove_data(self.data)

    def everything_else(self):
        key = self.key()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

        def send(expected, method, path, body=None, as_key=key, idempotency_key=None):
            headers = {"Authorization": f"Bearer {as_key}"}
            if method not in ("GET", "HEAD"):
                headers |= {"Content-Type": "application/json", "Idempotency-Key": idempotency_key or str(uuid.uuid4())}
            connection.request(method, path, body if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            if expected and answer.status != expected:
                raise measure.Failed(f"{method} {path} was answered with {answer.status}, not {expected}: {text[:500]!r}")
            return json.loads(text) if answer.headers.get_content_type() == "application/json" else None

        document = send(200, "GET", "/api/v1/openapi.json")
        reads = [
            "/api/v1" + path for path, methods in document["paths"].items() if "get" in methods and "{" not in path
        ]
        contacts, keys = "/api/v1/contacts", "/api/v1/api-keys"
        new = {"firstName": "Ada", "lastName": "Byron", "email": "ada@masonry.example.com", "type": "subcontractor"}
        began = time.monotonic()
        while time.monotonic() - began < SECONDS:
            for path in reads:
                send(200, "GET", path)
            for path in OTHERS:
                send(None, "GET", path)
            for query in ("limit=100", "search=ada", "type=subcontractor"):
                send(200, "GET", f"{contacts}?{query}")
            for query in ("limit=0", "unknown=1", "cursor=none"):
                send(400, "GET", f"{contacts}?{query}")
            again = str(uuid.uuid4())
            contact = f"{contacts}/{send(201, 'POST', contacts, new, idempotency_key=again)['data']['id']}"
            send(201, "POST", contacts, new, idempotency_key=again)
            send(409, "POST", contacts, new | {"lastName": "King"}, idempotency_key=again)
            send(422, "POST", contacts, {"firstName": 1, "kind": "x", "email": "x"})
            send(200, "PATCH", contact, {"notes": '\u00e9t\u00e9 \u2013 "summer"'})
            send(200, "PATCH", contact, {"email": None})
            send(422, "PATCH", contact, {"type": "none"})
            send(200, "GET", contact)
            send(200, "POST", f"{contacts}/get-many", {"ids": [int(contact.rsplit("/", 1)[1])]})
            send(204, "DELETE", contact)
            send(404, "GET", contact)
            made = send(201, "POST", keys, {"name": "Sync", "scopes": ["contacts:read"]})["data"]
            of_key = f"{keys}/{made['id']}"
            send(200, "PATCH", of_key, {"name": "Export"})
            send(200, "GET", of_key)
            send(200, "GET", contacts, as_key=made["key"])
            send(201, "POST", f"{of_key}/rotate", {})
            send(204, "DELETE", of_key)
            send(401, "GET", "/api/v1/me", as_key=made["key"])
            send(401, "GET", "/api/v1/me", as_key="bwp_live_none")

    def key(self):
        """A key that may do all that is asked for here, of a tenant of its own."""
        tenant = self.bwp("tenant", "create", "--name", "Training", "--rate-limit", "0")["publicId"]
        scopes = [part for scope in SCOPES for part in ("--scope", scope)]
        return self.bwp("key", "create", "--tenant", tenant, "--name", "training", *scopes, "--rate-limit", "0")["key"]


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--server", required=True)
    parser.add_argument("--counts", required=True)
    given = parser.parse_args()
    given.fresh = True
    # Each process that is started writes a file of its own as it ends.
    os.environ["LLVM_PROFILE_FILE"] = os.path.join(os.path.abspath(given.counts), "%p.profraw")
    measure.end_with_parent()
    return measure.carry_out(lambda: Training(given))


if __name__ == "__main__":
    sys.exit(main())

"""The work that a server is watched at, to be compiled anew for it: see scripts/build. Python's standard library alone.

Everything is asked for: what was never seen at work would be compiled to be small, and not to be fast. What is asked for most
is what counts most.
"""

import argparse
import http.client
import json
import os
import sys
import time
import uuid

import measure

SCOPES = ["contacts:read", "contacts:write", "contacts:delete", "users:read", "api_keys:read", "audit:read"]
PAGES = ["/", "/sign-in", "/docs", "/healthz", "/readyz", "/api/v1/openapi.json", "/nowhere", "/api/v1/nowhere"]
# Seconds of each operation that scripts/bench measures, and of all others together.
SECONDS = 5


class Training(measure.Bench):
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

        def send(method, path, body=None, more=None, as_key=key):
            headers = {"Authorization": f"Bearer {as_key}", **(more or {})}
            if body is not None:
                headers["Content-Type"] = "application/json"
            connection.request(method, path, body if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status >= 500:
                raise measure.Failed(f"{method} {path} was answered with {answer.status}: {text[:500]!r}")
            return answer.status, text

        _, document = send("GET", "/api/v1/openapi.json")
        reads = [
            f"/api/v1{path}" for path, methods in json.loads(document)["paths"].items() if "get" in methods and "{" not in path
        ]
        began = time.monotonic()
        while time.monotonic() - began < SECONDS:
            for path in reads + PAGES:
                send("GET", path)
            for query in ("limit=100", "limit=0", "search=granite", "sort=lastName", "unknown=1", "cursor=none"):
                send("GET", f"/api/v1/contacts?{query}")
            new = {"firstName": "Ada", "lastName": "Byron", "email": "ada@masonry.example.com", "type": "subcontractor"}
            again = {"Idempotency-Key": str(uuid.uuid4())}
            status, text = send("POST", "/api/v1/contacts", new, again)
            if status != 201:
                raise measure.Failed(f"a contact was not made: {status} {text[:500]!r}")
            contact = "/api/v1/contacts/" + str(json.loads(text)["data"]["id"])
            send("POST", "/api/v1/contacts", new, again)
            send("POST", "/api/v1/contacts", new | {"lastName": "King"}, again)
            send("POST", "/api/v1/contacts", {"firstName": 1, "kind": "x", "email": "x"}, {"Idempotency-Key": str(uuid.uuid4())})
            for changed in ({"notes": "\u00e9t\u00e9 \u2013 \"summer\""}, {"email": None}, {"type": "none"}):
                send("PATCH", contact, changed, {"Idempotency-Key": str(uuid.uuid4())})
            send("GET", contact)
            send("DELETE", contact, more={"Idempotency-Key": str(uuid.uuid4())})
            send("GET", contact)
            send("GET", "/api/v1/me", as_key="bwp_live_none")

    def key(self):
        """A key that may do everything, of a tenant of its own."""
        bwp = [self.options.server, "--data-dir", self.data]
        made = measure.run([*bwp, "tenant", "create", "--name", "Training", "--rate-limit", "0", "--json"], 60)
        tenant = json.loads(made)["publicId"]
        scopes = [part for scope in SCOPES for part in ("--scope", scope)]
        made = measure.run([*bwp, "key", "create", "--tenant", tenant, "--name", "training", "--rate-limit", "0", *scopes, "--json"], 60)
        return json.loads(made)["key"]


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--server", required=True)
    parser.add_argument("--counts", required=True)
    given = parser.parse_args()
    given.fresh = True
    # Each process that is started writes a file of its own as it ends.
    os.environ["LLVM_PROFILE_FILE"] = os.path.join(os.path.abspath(given.counts), "%p.profraw")
    return measure.carry_out(lambda: Training(given, "target/guided/training", measure.data_of(100, 200, 50, 500)))


if __name__ == "__main__":
    sys.exit(main())

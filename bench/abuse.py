"""Abuses a server while a well-behaved client works with it, and says what that did to both. Run by scripts/abuse, which says
in its help what may be set. Python's standard library alone.

The client is measured three times: alone, beside a flood of connections to /healthz, which costs the server nothing but the
connections, and beside the abuse, a flood of as many connections among it. Load is made by processes of its own that take no
processor time from the server and the client: they are niced.
"""

import argparse
import asyncio
import base64
import collections
import concurrent.futures
import hashlib
import hmac
import http.client
import json
import multiprocessing
import os
import re
import resource
import signal
import socket
import statistics
import sys
import time
import urllib.parse
import uuid

import measure
from measure import Failed, number, say

API = "/api/v1"
PASSWORD = "correct horse battery"
MOST_MEMORY = 150_000_000
MOST_TIMES_SLOWER = 3
# No abuser sends more, however long it is told to go on.
MOST_REQUESTS = 2_000_000
SECONDS_BETWEEN_SIZES = 15
# The well-behaved client: connections, and requests a second of each.
CLIENTS, CLIENT_RATE = 4, 10
# Begins to count when the server has prepared its statements, and no flood still connects.
WARM_SECONDS = 5
READERS = 12
FLOOD_PROCESSES = 2
KINDS = ["readers", "flood", "person", "keys"]


# ---------------------------------------------------------------- one request after the other


class Connection:
    """Asks, and tells the status, 0 when there was no answer. Connects again when it must."""

    def __init__(self, port, headers=None):
        self.port, self.headers = port, headers or {}
        self.counts = collections.Counter()
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.answer, self.text = None, b""

    def ask(self, method, path, body=None, headers=None):
        headers = {**self.headers, **(headers or {})}
        if isinstance(body, dict):
            headers |= {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
            body = json.dumps(body)
        try:
            self.connection.request(method, path, body, headers)
            self.answer = self.connection.getresponse()
            self.text = self.answer.read()
            status = self.answer.status
        except (OSError, http.client.HTTPException):
            self.connection.close()
            status = 0
        self.counts[status] += 1
        return status


def form_token(cookie):
    """What the server puts into the forms of a browser with this cookie: see crates/console/src/browser/token.rs."""
    mac = hmac.new(cookie.encode(), b"form token", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


class Browser(Connection):
    """Keeps cookies, and sends forms."""

    def __init__(self, port, cookies=None):
        super().__init__(port, {"Origin": f"http://127.0.0.1:{port}"})
        self.cookies = dict(cookies or {})

    def ask(self, method, path, body=None, headers=None):
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        status = super().ask(method, path, body, {**(headers or {}), **({"Cookie": cookies} if cookies else {})})
        if status:
            for line in self.answer.headers.get_all("Set-Cookie") or []:
                name, value = line.split(";")[0].split("=", 1)
                self.cookies[name] = value
                if "Max-Age=0" in line:
                    del self.cookies[name]
        return status

    def send_form(self, path, **fields):
        cookie = self.cookies.get("bwp_session") or self.cookies["bwp_visit"]
        body = urllib.parse.urlencode({"csrf": form_token(cookie), **fields})
        return self.ask("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})

    def sign_in(self, email):
        """As a browser of the account's that has been here before, but is not signed in."""
        self.cookies.pop("bwp_session", None)
        if "bwp_visit" not in self.cookies:
            self.ask("GET", "/sign-in")
        visit = self.cookies["bwp_visit"]
        status = self.send_form("/sign-in", email=email, password=PASSWORD)
        self.cookies.setdefault("bwp_visit", visit)
        return status


def paced(until, a_second):
    """Begins of turns, this many a second, until then. A turn that took too long makes the next ones late."""
    turn = time.monotonic()
    for _ in range(MOST_REQUESTS):
        if max(turn, time.monotonic()) >= until:
            return
        time.sleep(max(0, turn - time.monotonic()))
        yield turn
        turn += 1 / a_second


def in_threads(count, work):
    """Runs `work(n)` in threads, and gives the answers of all by status."""
    with concurrent.futures.ThreadPoolExecutor(count) as threads:
        return sum(threads.map(work, range(count)), collections.Counter())


# ---------------------------------------------------------------- the client


def client(port, key, until):
    """Keyed creates, lists and gets at a steady rate. A latency counts from when the request was due: one that had to wait
    for the one before it is as late for who waits."""
    latencies, began = [], time.monotonic()

    def run(n):
        connection = Connection(port, {"Authorization": f"Bearer {key}"})
        contact = None
        time.sleep(n / CLIENTS / CLIENT_RATE)
        for turn, due in enumerate(paced(until, CLIENT_RATE)):
            if turn % 3 == 0 or contact is None:
                new = {"companyName": f"Granite Masonry {n}-{turn} LLC", "type": "subcontractor"}
                if connection.ask("POST", f"{API}/contacts", new) == 201:
                    contact = json.loads(connection.text)["data"]["id"]
            else:
                connection.ask("GET", f"{API}/contacts" if turn % 3 == 1 else f"{API}/contacts/{contact}")
            answered = time.monotonic()
            if answered > began + WARM_SECONDS:
                latencies.append((answered - due) * 1000)
        return connection.counts

    return in_threads(CLIENTS, run), {"latencies": latencies}


# ---------------------------------------------------------------- the abusers


class Flood(asyncio.Protocol):
    """One connection of a flood: the next request when the one before it is answered."""

    def __init__(self, port, requests, counts, until):
        self.port, self.requests, self.counts, self.until = port, requests, counts, until
        self.open = self.got = None

    def connect(self):
        loop = asyncio.get_running_loop()
        task = loop.create_task(loop.create_connection(lambda: self, "127.0.0.1", self.port))
        task.add_done_callback(self.connected)

    def connected(self, task):
        if not task.cancelled() and task.exception():
            self.counts[0] += 1
            if time.monotonic() < self.until:
                asyncio.get_running_loop().call_later(1, self.connect)

    def connection_made(self, transport):
        self.open = transport
        self.counts["connections"] += 1
        self.counts["most connections"] = max(self.counts["most connections"], self.counts["connections"])
        self.send()

    def send(self):
        self.got = b""
        request = next(self.requests, None)
        if request is None:
            # Time was up while the connection was made.
            self.open.abort()
        else:
            self.open.write(request)

    def data_received(self, data):
        self.got += data
        head, end, body = self.got.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
        if not end or (length and len(body) < int(length.group(1))):
            return
        self.counts[int(head[9:12])] += 1
        if time.monotonic() > self.until or re.search(rb"\r\nconnection: *close", head, re.I):
            self.open.close()
        else:
            self.send()

    def connection_lost(self, _error):
        self.counts["connections"] -= 1
        if time.monotonic() < self.until:
            self.connect()


def flood(port, connections, requests, until):
    counts = collections.Counter()

    async def run():
        for n in range(connections):
            Flood(port, requests, counts, until).connect()
            if n % 50 == 49:
                await asyncio.sleep(0.05)
        await asyncio.sleep(max(0, until - time.monotonic()))

    asyncio.run(run())
    opened = counts.pop("most connections", 0)
    counts.pop("connections", None)
    return counts, {"connections": opened}


def flood_health(port, connections, until):
    head = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    return flood(port, connections, (head for _ in range(MOST_REQUESTS)), until)


def flood_sign_in(port, connections, visit, until):
    """Wrong passwords for addresses that nobody has, with a form that is as it should be."""

    def request(n):
        email = f"{os.getpid()}.{n}@example.com"
        body = urllib.parse.urlencode({"csrf": form_token(visit), "email": email, "password": "wrong, wrong, wrong"})
        head = f"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nCookie: bwp_visit={visit}\r\n"
        head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        return (head + body).encode()

    return flood(port, connections, (request(n) for n in range(MOST_REQUESTS)), until)


def slow_readers(port, key, until):
    """Bodies and queries with names as long, and errors as many, as fit, whose answers are read as slowly as a telephone does."""
    body = b'{"' + b"a" * 1_000_000 + b'":{' + b",".join([b'"b":0'] * 102) + b"}}"
    targets = [f"POST {API}/contacts", f"POST {API}/contacts/get-many", f"GET {API}/contacts?{'%&' * 4096}"[:8192]]
    answered = []

    def run(n):
        counts = collections.Counter()
        for turn, _ in enumerate(paced(until, 1)):
            target = targets[(n + turn) % len(targets)]
            sent = body if target.startswith("POST") else b""
            head = f"{target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n"
            head += f"Content-Type: application/json\r\nIdempotency-Key: {uuid.uuid4()}\r\nContent-Length: {len(sent)}\r\n\r\n"
            counts[read_slowly(port, head.encode() + sent, min(until, time.monotonic() + 20), answered)] += 1
        return counts

    counts = in_threads(READERS, run)
    return counts, {"largest_answer": max(answered, default=0)}


def read_slowly(port, request, until, answered):
    """The status. Notes how long the answer says it is."""
    try:
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            connection.settimeout(30)
            connection.connect(("127.0.0.1", port))
            connection.sendall(request)
            head = connection.recv(8192)
            length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
            answered.append(int(length.group(1)) if length else 0)
            while time.monotonic() < until and connection.recv(8192):
                time.sleep(0.05)
            return int(head[9:12])
    except (OSError, ValueError):
        return 0


def restless_person(port, email, cookies, tenant, until):
    """Chooses the organization again and again in one window, and signs in again and again in another."""

    def run(n):
        browser = Browser(port, cookies)
        if n == 1:
            for _ in paced(until, 50):
                browser.sign_in(email)
            return browser.counts
        for _ in paced(until, 1000):
            if browser.send_form("/choose", tenant=tenant) != 303:
                # Whoever waits for the next second does as much harm.
                time.sleep(0.1)
        return browser.counts

    return in_threads(2, run), {}


def spent_keys(port, keys, until):
    """Goes on with keys that are over their limit, and has as much as possible be written down of that."""

    def run(n):
        connection = Connection(port, {"Authorization": f"Bearer {keys[n]}", "User-Agent": "x" * 4000})
        for _ in paced(until, 50):
            connection.ask("GET", f"{API}/contacts/{'y' * 1900}")
        return connection.counts

    return in_threads(len(keys), run), {}


# ---------------------------------------------------------------- the run


class Abuse(measure.Bench):
    def __init__(self, options):
        super().__init__(options, "target/abuse", None)
        self.minutes = number("ABUSE_MINUTES", 20)
        self.baseline = number("ABUSE_BASELINE_SECONDS", 60)
        self.wanted_connections = number("ABUSE_CONNECTIONS", 2600)
        # Some files are open for other things.
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        room = hard if hard != resource.RLIM_INFINITY else max(soft, 65536)
        resource.setrlimit(resource.RLIMIT_NOFILE, (room, hard))
        self.connections = min(self.wanted_connections, room - 500)
        if self.connections < 1:
            raise Failed(f"only {room} files may be open at once; allow more (ulimit -n), then run this again")
        self.processes = multiprocessing.get_context("fork")

    def run(self):
        self.remove_data(self.data)
        self.start_server()
        self.make_people()
        results = {
            "facts": {
                "commit": self.options.commit,
                "build": self.options.build,
                "cores": len(os.sched_getaffinity(0)),
                "minutes": self.minutes,
                "connections": self.connections,
                "connections_wanted": self.wanted_connections,
            },
            "memory_idle": self.memory(),
        }
        shares = [self.connections // FLOOD_PROCESSES + (n < self.connections % FLOOD_PROCESSES) for n in range(FLOOD_PROCESSES)]
        abusers = {
            "readers": [("slow readers", slow_readers, self.abuser)],
            "person": [("restless person", restless_person, self.email, self.cookies, self.tenant)],
            "keys": [("keys over their limit", spent_keys, self.spent)],
            "flood": [("flood of /sign-in", flood_sign_in, share, self.cookies["bwp_visit"]) for share in shares],
        }
        phases = {
            "alone": (self.baseline, []),
            "beside /healthz": (self.baseline, [("flood of /healthz", flood_health, share) for share in shares]),
            "beside abuse": (self.minutes * 60, [one for kind in self.options.only or KINDS for one in abusers[kind]]),
            "afterwards": (self.baseline, []),
        }
        for name, (seconds, abusers) in phases.items():
            say(f"The client {name}: {seconds} s …")
            results[name] = self.phase(seconds, abusers)
        results["sessions"] = int(self.sql("SELECT count(*) FROM sessions"))
        ended = measure.stop(self.server)
        failures, text = judge(results), report(results)
        if ended != 0:
            failures.append(f"the server, told to stop, ended with {ended}")
        print(text)
        with open(os.path.join(self.folder, "results.json"), "w") as file:
            json.dump(results, file, indent=1)
        with open(os.path.join(self.folder, "results.txt"), "w") as file:
            file.write(text + "\n" + "".join(f"FAILED: {failure}\n" for failure in failures))
        say("Written to target/abuse/results.txt and target/abuse/results.json.")
        if failures:
            raise Failed("; ".join(failures))

    def close(self):
        super().close()
        # A server that had to be killed leaves its PostgreSQL behind.
        if self.postmaster and measure.stat(self.postmaster):
            os.kill(self.postmaster, signal.SIGINT)
            for _ in range(600):
                if not measure.stat(self.postmaster):
                    break
                time.sleep(0.1)
        self.remove_data(self.data)

    def make_people(self):
        """The client and the abusers: keys of two tenants, and a person of the second who is signed in."""
        scopes = ["--scope", "contacts:read", "--scope", "contacts:write"]

        def tenant(name):
            return self.bwp("tenant", "create", "--name", name, "--rate-limit", "0")["publicId"]

        def key(tenant, *more):
            return self.bwp("key", "create", "--tenant", tenant, "--name", "abuse", *scopes, *more)["key"]

        self.client_key = key(tenant("Client"), "--rate-limit", "0")
        abusers, self.email = tenant("Abusers"), "restless@example.com"
        self.abuser = key(abusers, "--rate-limit", "0")
        self.spent = [key(abusers) for _ in range(4)]
        create = ["user", "create", "--tenant", abusers, "--email", self.email, "--role", "member", "--password-stdin"]
        self.bwp(*create, text=PASSWORD)
        browser = Browser(self.port)
        # Before the flood: afterwards this address may try nothing any more.
        if browser.sign_in(self.email) != 303:
            raise Failed(f"nobody can sign in: {browser.text[:2000]!r}")
        browser.ask("GET", "/choose")
        self.cookies, self.tenant = browser.cookies, re.search(r'name="tenant" value="(\d+)"', browser.text.decode()).group(1)

    def memory(self):
        return measure.resident_kib(self.server.pid) * 1024

    def phase(self, seconds, abusers):
        """The client, and beside it these abusers, for so long."""
        until = time.monotonic() + seconds
        began, memory, sizes, next_sizes = time.monotonic(), [], [], 0
        work = [("client", self.begin(0, client, self.client_key, until))]
        work += [(name, self.begin(10, abuser, *given, until)) for name, abuser, *given in abusers]
        while time.monotonic() < until:
            if self.server.poll() is not None:
                raise Failed(f"the server ended with {self.server.returncode}; see {self.log.name}")
            memory.append((round(time.monotonic() - began, 1), self.memory()))
            if time.monotonic() >= next_sizes:
                next_sizes = time.monotonic() + SECONDS_BETWEEN_SIZES
                sizes.append((round(time.monotonic() - began, 1), self.table_sizes()))
            time.sleep(0.25)
        found = {}
        for name, (process, pipe) in work:
            if not pipe.poll(90):
                raise Failed(f"{name}: it does not end")
            counts, facts = pipe.recv()
            process.join()
            if counts is None:
                raise Failed(f"{name}: {facts}")
            one = found.setdefault(name, {"answers": collections.Counter()})
            one["answers"] += counts
            for fact, value in facts.items():
                one[fact] = one[fact] + value if fact in one else value
        sizes.append((seconds, self.table_sizes()))
        latencies = sorted(found["client"].pop("latencies"))
        if not latencies:
            raise Failed(f"the client had time for no request: {found}")
        return {
            "seconds": seconds,
            "latency_ms": {
                "p50": statistics.median(latencies),
                "p99": latencies[int(len(latencies) * 0.99)],
                "max": latencies[-1],
            },
            "memory": {"peak": max(value for _, value in memory), "end": memory[-1][1]},
            "memory_samples": memory[::8],
            "sizes": sizes,
            "work": found,
        }

    def begin(self, niceness, work, *given):
        """Starts `work` in a process of its own. Gives that, and the pipe through which it tells what came of it."""
        pipe, end = self.processes.Pipe(duplex=False)

        def run():
            measure.end_with_parent()
            for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
                signal.signal(each, signal.SIG_DFL)
            os.nice(niceness)
            try:
                end.send(work(self.port, *given))
            except Exception as error:
                end.send((None, repr(error)))

        process = self.processes.Process(target=run, daemon=True)
        process.start()
        return process, pipe

    def table_sizes(self):
        """Bytes on disk by table, with indexes; a table in parts is one."""
        rows = self.sql(
            "SELECT coalesce(pg_partition_root(oid)::regclass, oid::regclass), sum(pg_total_relation_size(oid)) FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace GROUP BY 1"
        )
        return {name: int(size) for name, size in (row.split("|") for row in rows.splitlines())}


# ---------------------------------------------------------------- what came of it


def judge(results):
    """What is not as it must be."""
    found = []
    peak = max(phase["memory"]["peak"] for phase in phases_of(results).values())
    if peak > MOST_MEMORY:
        found.append(f"memory: {mb(peak)} MB at most, and not {mb(MOST_MEMORY)} MB")
    for name, phase in phases_of(results).items():
        # It asks for nothing that may be refused.
        bad = {status: count for status, count in phase["work"]["client"]["answers"].items() if status not in (200, 201)}
        if bad:
            found.append(f"the client {name} was answered by {answers(bad)}")
    healthy, abused = (results[name]["latency_ms"]["p99"] for name in ("beside /healthz", "beside abuse"))
    if abused > MOST_TIMES_SLOWER * healthy:
        found.append(f"p99 beside abuse is {abused / healthy:.1f} times that beside a flood of /healthz, and not {MOST_TIMES_SLOWER}")
    return found


def phases_of(results):
    return {name: value for name, value in results.items() if isinstance(value, dict) and "latency_ms" in value}


def mb(size):
    return f"{size / 1e6:.1f}"


def answers(counts):
    return ", ".join(f"{count:,} x {status or 'none'}" for status, count in sorted(counts.items()))


def report(results):
    facts, lines = results["facts"], []
    lines.append(f"{facts['commit']}, {facts['build']}, {facts['cores']} cores, {facts['minutes']} min of abuse")
    if facts["connections"] < facts["connections_wanted"]:
        lines.append(f"Only {facts['connections']:,} of {facts['connections_wanted']:,} connections may be opened here (ulimit -n).")
    lines += ["", f"{'The client':18}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'MB peak':>9}{'MB end':>9}  answers"]
    for name, phase in phases_of(results).items():
        at, memory = phase["latency_ms"], phase["memory"]
        row = "".join(f"{at[what]:9.1f}" for what in ("p50", "p99", "max")) + f"{mb(memory['peak']):>9}{mb(memory['end']):>9}"
        lines.append(f"{name:18}{row}  {answers(phase['work']['client']['answers'])}")
    lines += ["", f"The server held {mb(results['memory_idle'])} MB before. There are {results['sessions']:,} sessions at the end.", ""]
    for name in ("beside /healthz", "beside abuse"):
        for abuser, work in results[name]["work"].items():
            if abuser != "client":
                more = [f"{value:,} connections" for what, value in work.items() if what == "connections"]
                more += [f"largest answer {mb(value)} MB" for what, value in work.items() if what == "largest_answer"]
                lines.append(f"{abuser}: {answers(work['answers'])}{''.join('; ' + text for text in more)}")
    sizes, seconds = results["beside abuse"]["sizes"], results["beside abuse"]["seconds"]
    before, after = sizes[0][1], sizes[-1][1]
    lines += ["", f"{'Table beside abuse':24}{'MB before':>11}{'MB after':>11}{'MB an hour':>12}"]
    for table in sorted(after, key=lambda table: before.get(table, 0) - after[table]):
        grown = after[table] - before.get(table, 0)
        if grown > 0:
            lines.append(f"{table:24}{mb(before.get(table, 0)):>11}{mb(after[table]):>11}{mb(grown * 3600 / seconds):>12}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--server", required=True)
    parser.add_argument("--commit", default="")
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", action="append", choices=KINDS)
    given = parser.parse_args()
    measure.end_with_parent()
    return measure.carry_out(lambda: Abuse(given))


if __name__ == "__main__":
    sys.exit(main())

"""Measures the server. Run by scripts/bench, which says in its help what may be set. Python's standard library alone.

Whatever is started here ends with this process: each child is told so by the kernel, should this process be killed.
"""

import argparse
import ctypes
import datetime
import fcntl
import http.client
import json
import os
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid

import keys as key_maker
import report
import roundtrips

HERE = os.path.dirname(os.path.abspath(__file__))
CONTACTS = ["me", "list", "get", "create", "update"]
# Those of a family that refers to contacts. pgbench has no scripts for them: they are held against those of contacts.
LEADS = ["leads", "create-lead"]
OPERATIONS = CONTACTS + LEADS
WRITES = {"create", "update", "create-lead"}
FORMS = {name: ["steps", "pipelined", "joined"] + (["function"] if name in WRITES else []) for name in CONTACTS}
# The stage of a tenant's leads: this, and the tenant's slot.
FIRST_STAGE = 1_000_001
STARTS = {"create": ["key", "write"], "update": ["key", "contact", "write"], "get": ["key", "contact"]}
# As many as make a rate limit never answer, yet keep it counting. Used where the columns exist.
BUDGET = 1_000_000_000
CLIENTS = 16
PAGE_ROWS = 25


class Failed(Exception):
    pass


def say(text):
    print(text, file=sys.stderr, flush=True)


def number(name, default):
    text = os.environ.get(name, str(default))
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise Failed(f"{name} is {text!r}; set it to a whole number of 1 or more")
    return value


# ---------------------------------------------------------------- processes

LIBC = ctypes.CDLL(None, use_errno=True)
CHILDREN = []


def end_with_parent():
    """Has the kernel end this process, should the one that started it end."""
    LIBC.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def start(command, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    began = time.monotonic()
    child = subprocess.Popen(command, preexec_fn=end_with_parent, **options)
    child.began = began
    CHILDREN.append(child)
    return child


def stop(child, patience=90):
    """Asks a child to end, and waits. Returns its exit code."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            say(f"{child.args[0]} did not end within {patience} s: killed")
            child.kill()
            child.wait()
    if child in CHILDREN:
        CHILDREN.remove(child)
    return child.returncode


def stop_all():
    for child in list(reversed(CHILDREN)):
        stop(child)


def environment():
    """What a server is started with: settings of whoever runs this would make runs differ, or name a database of theirs."""
    return {n: v for n, v in os.environ.items() if n == "BWP_POSTGRES_BIN" or not n.startswith(("BWP_", "DATABASE_URL"))}


def run(command, patience, text=None, **options):
    """Runs a command to its end and returns what it printed."""
    child = start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    try:
        out, err = child.communicate(text, timeout=patience)
    except subprocess.TimeoutExpired:
        raise Failed(f"{' '.join(command[:3])} … took longer than {patience} s") from None
    finally:
        stop(child, 5)
    if child.returncode != 0:
        raise Failed(f"{' '.join(command[:3])} … ended with {child.returncode}:\n{(out + err)[-3000:]}")
    return out


TICK = os.sysconf("SC_CLK_TCK")


def stat(pid):
    """Parent, own processor time and that of children that were waited for, in seconds. None: there is no such process."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    times = [int(field) / TICK for field in fields[11:15]]
    return int(fields[1]), sum(times[:2]), sum(times[2:])


def cpu_of(pid):
    found = stat(pid)
    return found[1] if found else 0.0


def cpu_of_postgres(postmaster):
    """Processor time of all of PostgreSQL's processes since its start. What a process used that has ended is counted
    by its parent, the postmaster, so nothing is lost between two readings."""
    _, own, ended = stat(postmaster)
    total = own + ended
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != postmaster:
            found = stat(entry)
            if found and found[0] == postmaster:
                total += found[1]
    return total


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s*(\d+)", file.read()).group(1))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# ---------------------------------------------------------------- requests


class Client:
    """One connection, one request at a time."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def request(self, method, path, key, body=None, headers=None):
        headers = {"Authorization": f"Bearer {key}", **(headers or {})}
        if body is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
            body = json.dumps(body)
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if not 200 <= answer.status < 300:
            raise Failed(f"{method} {path} was answered with {answer.status}: {text[:500]!r}")
        return text


def sample_request(operation, n, key, contact, stage):
    """A request as bench/load.lua sends them, for the size of its answer and for counting round trips."""
    v = 100000 + n
    return {
        "me": ("GET", "/api/v1/me", key),
        "list": ("GET", "/api/v1/contacts", key),
        "get": ("GET", f"/api/v1/contacts/{contact}", key),
        "create": (
            "POST",
            "/api/v1/contacts",
            key,
            {
                "firstName": "Ada",
                "lastName": "Byron",
                "companyName": f"Granite Masonry {v} LLC",
                "position": "Site manager",
                "email": f"ada.byron{v}@masonry.example.com",
                "phone": f"+1 555 0{v}",
                "mobile": f"+1 555 1{v}",
                "website": f"https://www.masonry{v}.example.com",
                "notes": f"Prefers to be called in the morning. Reference: job {v}.",
                "type": "subcontractor",
            },
        ),
        "leads": ("GET", "/api/v1/leads", key),
        "create-lead": (
            "POST",
            "/api/v1/leads",
            key,
            {
                "name": f"Garage, {v} Elm Street",
                "stageId": stage,
                "contactId": contact,
                "source": "referral",
                "estimatedValue": f"{v}.50",
                "description": f"A double garage with a flat roof. Reference: job {v}.",
                "siteAddress": f"{v} Elm Street",
                "siteCity": "Springfield",
            },
        ),
        "update": ("PATCH", f"/api/v1/contacts/{contact}", key, {"phone": f"+1 555 {uuid.uuid4().int % 10**9}"}),
    }[operation]


def first_answer(child, port, path, key, patience=120):
    """Milliseconds from the start of `child` to its first answer with 200."""
    began = child.began
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    head += f"Authorization: Bearer {key}\r\n\r\n" if key else "\r\n"
    while time.monotonic() - began < patience:
        if child.poll() is not None:
            raise Failed(f"the server ended with {child.returncode} before its first answer; see {child.log}")
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as connection:
                connection.sendall(head.encode())
                answer = b""
                while piece := connection.recv(65536):
                    answer += piece
            if answer.startswith(b"HTTP/1.1 200"):
                return (time.monotonic() - began) * 1000
            if not answer.startswith(b"HTTP/1.1 503"):
                raise Failed(f"the first answer was {answer[:300]!r}")
        except OSError:
            pass
        time.sleep(0.001)
    raise Failed(f"no answer within {patience} s")


# ---------------------------------------------------------------- the bench


def sizes():
    """Of the data, as the environment says."""
    rounds, large = number("BENCH_CONTACTS_PER_TENANT", 1000), number("BENCH_LARGE", 100_000)
    if large % rounds:
        raise Failed("BENCH_LARGE must be a multiple of BENCH_CONTACTS_PER_TENANT")
    found = data_of(number("BENCH_TENANTS", 900), rounds, large // rounds, number("BENCH_KEYS", 5000))
    if found["keys"] <= found["tenants"]:
        raise Failed("BENCH_KEYS must be more than BENCH_TENANTS, so that every tenant has a key")
    return found


def data_of(tenants, rounds, per_round, keys):
    """The data of these sizes: see bench/data.sql."""
    return {
        "tenants": tenants,
        "rounds": rounds,
        "per_round": per_round,
        "keys": keys,
        "tenant_base": 1001,
        "key_base": 10001,
    }


class Bench:
    """A server over data of its own in a folder, and the load on it."""

    def __init__(self, options, folder, wanted, before=None):
        self.options = options
        # The server that this one is compared with, over data of its own.
        self.before = before
        self.folder = os.path.abspath(folder)
        self.wanted = wanted
        os.makedirs(self.folder, exist_ok=True)
        self.alone = open(os.path.join(self.folder, "lock"), "w")
        try:
            fcntl.flock(self.alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed(f"another run is at work in {folder}") from None
        self.data = os.path.join(self.folder, "data")
        self.keys_file = os.path.join(self.folder, "keys.txt")
        self.layout_file = os.path.join(self.folder, "layout.json")
        self.log = open(os.path.join(self.folder, "server.log"), "w")
        self.work = tempfile.mkdtemp(prefix="bwp-bench-")
        self.seconds = number("BENCH_SECONDS", 10)
        self.rounds = number("BENCH_ROUNDS", 3)
        self.connections = number("BENCH_CONNECTIONS", 64)
        self.many = number("BENCH_MANY_CONNECTIONS", 256)
        self.threads = number("BENCH_THREADS", 1)
        self.run_word = f"{int(time.time()):x}"
        self.server = self.port = self.postmaster = self.socket_folder = self.bin = None
        self.layout = self.keys = None

    # ------------------------------------------------------------ the server and its PostgreSQL

    def serve(self, *more, data=None, port=None, log=None):
        port = port or free_port()
        command = [self.options.server, *more]
        if data:
            command += ["--data-dir", data]
        command += ["serve", "--listen", f"127.0.0.1:{port}"]
        child = start(command, stdout=subprocess.DEVNULL, stderr=log or self.log, env=environment())
        child.log = (log or self.log).name
        return child, port

    def start_server(self):
        self.server, self.port = self.serve(data=self.data)
        first_answer(self.server, self.port, "/readyz", None)
        root = self.cluster_root(self.data)
        with open(os.path.join(root, "data", "postmaster.pid")) as file:
            lines = file.read().splitlines()
        self.postmaster, self.socket_folder = int(lines[0]), lines[4]
        self.bin = os.path.dirname(os.readlink(f"/proc/{self.postmaster}/exe"))

    def stop_server(self):
        ended = stop(self.server)
        self.server = None
        if ended != 0:
            raise Failed(f"the server did not end well, but with {ended}; see {self.log.name}")

    def bwp(self, *arguments, text=None):
        """What a command of the server's says."""
        command = [self.options.server, "--data-dir", self.data, *arguments, "--json"]
        return json.loads(run(command, 60, text, env=environment()))

    @staticmethod
    def cluster_root(data):
        """Where the private PostgreSQL is: in the data folder, unless its user cannot enter that."""
        try:
            with open(os.path.join(data, "postgres.location")) as file:
                return file.read().strip()
        except FileNotFoundError:
            return os.path.join(data, "postgres")

    def remove_data(self, data):
        root = self.cluster_root(data)
        if re.fullmatch(r"/var/lib/bwp/[^/.]+", root):
            shutil.rmtree(root, ignore_errors=True)
        shutil.rmtree(data, ignore_errors=True)

    def program(self, name):
        path = os.path.join(self.bin, name)
        return path if os.access(path, os.X_OK) else name

    def psql(self, *arguments, text=None, patience=1200):
        command = [self.program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.socket_folder, "-U", "bwp", "-d", "bwp"]
        return run(command + list(arguments), patience, text)

    def sql(self, *statements, patience=600):
        return self.psql(*[part for statement in statements for part in ("-c", statement)], patience=patience).strip()

    # ------------------------------------------------------------ data

    def make_data(self):
        if self.options.fresh or (os.path.exists(self.data) and not os.path.exists(self.layout_file)):
            self.remove_data(self.data)
            for path in (self.layout_file, self.keys_file):
                if os.path.exists(path):
                    os.remove(path)
        self.start_server()
        if os.path.exists(self.layout_file):
            with open(self.layout_file) as file:
                self.layout = json.load(file)
            if self.layout != self.wanted:
                raise Failed(f"{self.folder} holds data of other sizes: {self.layout}. Run again with --fresh.")
            with open(self.keys_file) as file:
                self.keys = file.read().split()
        else:
            layout = self.wanted
            count = (layout["tenants"] + layout["per_round"]) * layout["rounds"]
            say(f"Making {count:,} contacts and {layout['keys']:,} keys …")
            began = time.monotonic()
            sizes = [part for n in ("tenants", "rounds", "per_round", "tenant_base") for part in ("-v", f"{n}={layout[n]}")]
            sizes += ["-v", f"leads={self.has_leads()}", "-v", f"first_stage={FIRST_STAGE}"]
            self.psql(*sizes, "-f", os.path.join(HERE, "data.sql"))
            self.keys = key_maker.make(layout["keys"], self.keys_file)
            scopes = ["contacts:read", "contacts:write", "leads:read", "leads:write", "audit:read"]
            self.psql(text=key_maker.copy_statement(self.keys, layout, scopes))
            self.layout = layout
            with open(self.layout_file, "w") as file:
                json.dump(layout, file)
            say(f"… made in {time.monotonic() - began:.0f} s")
        self.reset()

    def reset(self):
        """What earlier runs wrote is removed, so that each begins with the same rows."""
        count = (self.layout["tenants"] + self.layout["per_round"]) * self.layout["rounds"]
        limited = self.sql(
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'rate_limit' "
            "AND table_name IN ('tenants', 'api_keys') AND table_schema = 'public'"
        ).split()
        self.sql(
            "SET client_min_messages = warning",
            # Nobody belongs to a contact that is removed: looking for them would take milliseconds for each.
            "SET session_replication_role = replica",
            "TRUNCATE idempotency_receipts, outbox",
            f"DELETE FROM contacts WHERE id > {count}",
            *([f"DELETE FROM leads WHERE id > {count}"] if self.has_leads() == "yes" else []),
            *[f"UPDATE {table} SET rate_limit = {BUDGET} WHERE rate_limit IS DISTINCT FROM {BUDGET}" for table in limited],
            "VACUUM (ANALYZE)",
            "CHECKPOINT",
        )
        self.psql("-f", os.path.join(HERE, "pgbench", "functions.sql"))

    def has_leads(self):
        """Whether this server knows leads: `yes` or `no`."""
        return "yes" if self.sql("SELECT to_regclass('leads')") else "no"

    # ------------------------------------------------------------ one measurement

    def wrk(self, port, operation, seconds, connections, more=None, watched=None, fresh_word=""):
        environment = os.environ | {
            "BENCH_OPERATION": operation,
            "BENCH_KEYS": self.keys_file,
            "BENCH_TENANTS": str(self.layout["tenants"]),
            "BENCH_ROUNDS": str(self.layout["rounds"]),
            "BENCH_PER_ROUND": str(self.layout["per_round"]),
            "BENCH_FIRST_STAGE": str(FIRST_STAGE),
            "BENCH_RUN": f"{self.run_word}-{uuid.uuid4().hex[:20]}{fresh_word}",
        } | (more or {})
        command = ["wrk", "-c", str(connections), "-t", str(min(self.threads, connections)), "-d", f"{seconds}s", "--timeout", "10s"]
        command += ["-s", os.path.join(HERE, "load.lua"), f"http://127.0.0.1:{port}"]
        child = start(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
        began, resident = time.monotonic(), 0
        try:
            while child.poll() is None:
                if time.monotonic() - began > seconds + 60:
                    raise Failed("wrk does not end")
                if watched:
                    resident = max(resident, resident_kib(watched))
                time.sleep(0.05)
            out = child.stdout.read()
        finally:
            stop(child, 5)
        found = re.search(r"^RESULT (.*)$", out, re.M)
        if child.returncode != 0 or not found:
            raise Failed(f"wrk ended with {child.returncode}:\n{out[-3000:]}")
        result = json.loads(found.group(1))
        wrong = {n: result[n] for n in ("not_2xx", "connect", "read", "write", "timeout") if result[n]}
        if wrong or result["requests"] == 0:
            raise Failed(f"{operation}: not every request succeeded: {wrong or 'none was answered'} of {result['requests']}\n{out[-2000:]}")
        result["rate"] = result["requests"] / result["seconds"]
        if watched:
            result["resident_kib"] = resident
        return result

    def measure_server(self, operation):
        self.wrk(self.port, operation, 1, self.connections)
        self.before_writes(operation)
        events = self.events(operation)
        server, postgres = cpu_of(self.server.pid), cpu_of_postgres(self.postmaster)
        result = self.wrk(self.port, operation, self.seconds, self.connections, watched=self.server.pid)
        result["server_cpu_us"] = (cpu_of(self.server.pid) - server) / result["requests"] * 1e6
        result["postgres_cpu_us"] = (cpu_of_postgres(self.postmaster) - postgres) / result["requests"] * 1e6
        self.check_events(operation, "the server", events, result["requests"])
        return result

    def measure_bare(self, operation):
        child, port = self.bare[operation]
        self.wrk(port, operation, 1, self.connections)
        used = cpu_of(child.pid)
        result = self.wrk(port, operation, self.seconds, self.connections, watched=child.pid)
        result["server_cpu_us"] = (cpu_of(child.pid) - used) / result["requests"] * 1e6
        return result

    def measure_pgbench(self, operation, form):
        script = os.path.join(self.work, f"{operation}-{form}.sql")
        with open(script, "w") as out:
            for part in STARTS.get(operation, ["key"]) + [f"{operation}-{form}"]:
                with open(os.path.join(HERE, "pgbench", part + ".sql")) as file:
                    out.write(file.read())
        logs = os.path.join(self.work, "latency")
        command = [self.program("pgbench"), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1", "-T", str(self.seconds)]
        # One transaction in ten is logged, for the percentiles: a log of all would cost pgbench something.
        command += ["-l", "--log-prefix", logs, "--sampling-rate", "0.1", "-f", script]
        command += [part for n in ("tenants", "rounds", "per_round", "keys", "tenant_base", "key_base") for part in ("-D", f"{n}={self.layout[n]}")]
        # A colon before a word in a script would begin a variable, even in quotes.
        command += ["-D", "scope=contacts:write", "-h", self.socket_folder, "-U", "bwp", "bwp"]
        environment = os.environ | {
            # One plan for all values, at once, and index scans as cheap as on an SSD, as the server has it too.
            "PGOPTIONS": "-c plan_cache_mode=force_generic_plan -c random_page_cost=1.1",
        }
        self.before_writes(operation)
        events = self.events(operation)
        postgres = cpu_of_postgres(self.postmaster)
        out = run(command, self.seconds + 60, env=environment)
        time.sleep(0.2)
        used = cpu_of_postgres(self.postmaster) - postgres
        done = int(re.search(r"transactions actually processed: (\d+)", out).group(1))
        failed = re.search(r"number of failed transactions: (\d+)", out)
        if done == 0 or (failed and failed.group(1) != "0"):
            raise Failed(f"pgbench {operation} {form}:\n{out}")
        self.check_events(operation, f"pgbench {form}", events, done)
        latencies = []
        for name in os.listdir(self.work):
            if name.startswith("latency."):
                path = os.path.join(self.work, name)
                with open(path) as file:
                    latencies += [int(line.split()[2]) / 1000 for line in file]
                os.remove(path)
        latencies.sort()
        at = lambda share: latencies[min(len(latencies) - 1, int(len(latencies) * share))] if latencies else None
        return {
            "requests": done,
            "rate": float(re.search(r"tps = ([\d.]+) \(without", out).group(1)),
            "p50_ms": at(0.5),
            "p99_ms": at(0.99),
            "postgres_cpu_us": used / done * 1e6,
        }

    def before_writes(self, operation):
        # So that all begin at the same distance from a checkpoint, and none meets one.
        if operation in WRITES:
            self.sql("CHECKPOINT")

    def events(self, operation):
        return int(self.sql("SELECT count(*) FROM outbox")) if operation in WRITES else 0

    def check_events(self, operation, who, before, requests):
        """Each write ends in one event. A script whose conditions fit nothing would be fast, and do nothing."""
        if operation in WRITES and self.events(operation) - before < requests:
            raise Failed(f"{operation}: {who} counted {requests} requests, but wrote fewer events")

    # ------------------------------------------------------------ the parts

    def answer_sizes(self):
        client, sizes = Client(self.port), {}
        for operation in self.options.only:
            found = []
            for n in range(20):
                key = self.keys[n]
                found.append(len(client.request(*self.sample(operation, n, key))))
            sizes[operation] = round(statistics.mean(found))
        return sizes

    def sample(self, operation, n, key):
        slot = n % (self.layout["tenants"] + 1)
        return sample_request(operation, n, key, self.some_contact(n), FIRST_STAGE + slot)

    def some_contact(self, n):
        """A contact of the tenant of key `n`."""
        slot = n % (self.layout["tenants"] + 1)
        later = (n * 7919) % self.layout["rounds"]
        return later * (self.layout["tenants"] + self.layout["per_round"]) + slot + 1

    def operations(self, results):
        say("Sizes of the answers …")
        sizes = results["answer_bytes"] = self.answer_sizes()
        self.bare = {}
        if self.options.bare:
            for operation in self.options.only:
                port = free_port()
                self.bare[operation] = start([self.options.bare, f"127.0.0.1:{port}", str(sizes[operation])]), port
        samples = {operation: {} for operation in self.options.only}
        # Reads before writes: what is created would be what the lists then show.
        reads = [(turn, name) for turn in range(self.rounds) for name in self.options.only if name not in WRITES]
        writes = [(turn, name) for turn in range(self.rounds) for name in self.options.only if name in WRITES]
        for turn, operation in reads + writes:
            measures = []
            if self.options.pgbench:
                for form in FORMS.get(operation, []):
                    measures.append((f"pgbench {form}", lambda form=form: self.measure_pgbench(operation, form)))
            if self.bare:
                measures.append(("bare", lambda: self.measure_bare(operation)))
            if self.before and operation in CONTACTS:
                measures.append(("before", lambda: self.before.measure_server(operation)))
            measures.append(("server", lambda: self.measure_server(operation)))
            # Each round begins elsewhere, so that none always follows the same one.
            first = turn % len(measures)
            for name, measure in measures[first:] + measures[:first]:
                result = measure()
                samples[operation].setdefault(name, []).append(result)
                say(f"  round {turn + 1}/{self.rounds}  {operation:7} {name:18} {result['rate']:9.0f}/s")
        for child, _ in self.bare.values():
            stop(child)
        results["samples"] = samples
        results["operations"] = report.summaries(samples)

    def many_connections(self, results):
        say(f"Memory with {self.many} connections …")
        found = {}
        for operation in ("list", "create"):
            if operation in self.options.only:
                result = self.wrk(self.port, operation, self.seconds, self.many, watched=self.server.pid)
                found[operation] = result
        results["many_connections"] = {"connections": self.many, "operations": found}

    def pages(self, results):
        slot = self.layout["tenants"]
        rows = self.layout["per_round"] * self.layout["rounds"]
        deep = min(4000, rows // PAGE_ROWS)
        if deep < 2:
            return
        say(f"Page 1 and page {deep:,} of the large tenant …")
        client, cursor = Client(self.port), None
        path = f"/api/v1/contacts?limit={PAGE_ROWS}"
        for _ in range(deep - 1):
            page = json.loads(client.request("GET", path, self.keys[slot]))
            cursor = page["meta"]["pagination"]["cursor"]
            path = f"/api/v1/contacts?limit={PAGE_ROWS}&cursor={urllib.parse.quote(cursor)}"
        page = json.loads(client.request("GET", path, self.keys[slot]))
        if page["meta"]["pagination"]["count"] != PAGE_ROWS:
            raise Failed(f"page {deep} is not full: {page['meta']}")
        paths = {"first": f"/api/v1/contacts?limit={PAGE_ROWS}", "deep": path}
        samples = {name: [] for name in paths}
        each = max(1, self.seconds // 4)
        for turn in range(6):
            for name in sorted(paths, reverse=turn % 2 == 0):
                more = {"BENCH_PATH": paths[name], "BENCH_KEY": str(slot)}
                samples[name].append(self.wrk(self.port, "fixed", each, 4, more))
        medians = {name: {what: statistics.median(s[what] for s in found) for what in ("rate", "p50_ms", "p99_ms")} for name, found in samples.items()}
        results["pages"] = {
            "deep_page": deep,
            "connections": 4,
            **medians,
            # Of pairs that were measured one after the other.
            "rate_ratio": statistics.median(d["rate"] / f["rate"] for d, f in zip(samples["deep"], samples["first"])),
            "bytes": {"first": len(client.request("GET", paths["first"], self.keys[slot])), "deep": len(client.request("GET", path, self.keys[slot]))},
        }

    def round_trips(self, results):
        say("Round trips …")
        folder = tempfile.mkdtemp(prefix="bwp-proxy-")
        proxy = roundtrips.Proxy(folder, self.socket_folder)
        url = f"postgresql://bwp@{urllib.parse.quote(folder, safe='')}/bwp"
        child = None
        try:
            child, port = self.serve("--database-url", url)
            first_answer(child, port, "/readyz", None)
            client, found = Client(port), {}
            for operation in self.options.only:
                for n in range(150):
                    if n == 50:
                        # Until here statements were prepared, on each connection of the pool.
                        before = proxy.counter.read()
                    client.request(*self.sample(operation, n % len(self.keys), self.keys[n % len(self.keys)]))
                after = proxy.counter.read()
                found[operation] = {what: (after[what] - before[what]) / 100 for what in after}
            results["round_trips"] = found
        finally:
            if child:
                stop(child)
            proxy.close()
            shutil.rmtree(folder, ignore_errors=True)

    def starts(self, results):
        say("Starts …")
        found = results["start_ms"] = {}
        socket_url = f"postgresql://bwp@{urllib.parse.quote(self.socket_folder, safe='')}/bwp"

        def timed(count, path, key, before=lambda: None, after=lambda: None, **how):
            times = []
            for _ in range(count):
                before()
                more = how.get("more", [])
                child, port = self.serve(*more, data=how.get("data"))
                times.append(first_answer(child, port, path, key))
                stop(child)
                after()
            return {"median": statistics.median(times), "all": times}

        found["database_running"] = timed(7, "/api/v1/me", self.keys[0], more=["--database-url", socket_url])
        self.stop_server()
        found["database_stopped"] = timed(5, "/api/v1/me", self.keys[0], data=self.data)
        new = os.path.join(self.folder, "new")
        remove = lambda: self.remove_data(new)
        found["database_new"] = timed(3, "/readyz", None, before=remove, after=remove, data=new)

    def facts(self):
        model = ""
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    model = line.split(":", 1)[1].strip()
                    break
        with open("/proc/meminfo") as file:
            memory = int(re.search(r"MemTotal:\s*(\d+)", file.read()).group(1))
        settings = {}
        for name in ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "wal_sync_method", "max_wal_size"):
            settings[name] = self.sql(f"SHOW {name}")
        return {
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "commit": self.options.commit,
            "build": self.options.build,
            "cpu": model or platform.machine(),
            "cores": len(os.sched_getaffinity(0)),
            "memory_gib": round(memory / 1024**2, 1),
            "kernel": platform.release(),
            "postgres": self.sql("SHOW server_version"),
            "settings": settings,
            "sync": self.sync_timing(),
            "load_average": os.getloadavg(),
            "seconds": self.seconds,
            "rounds": self.rounds,
            "connections": self.connections,
            "wrk_threads": self.threads,
            "pgbench_clients": CLIENTS,
            "pool_connections": 16,
            "data": {"contacts": int(self.sql("SELECT count(*) FROM contacts")), **self.layout},
            "database_mib": int(self.sql("SELECT pg_database_size('bwp') / 1048576")),
        }

    def sync_timing(self):
        """How long one write of 8 KiB and its sync take, by each method: the first part of what pg_test_fsync prints."""
        try:
            child = start(
                [self.program("pg_test_fsync"), "-s", "1", "-f", os.path.join(self.cluster_root(self.data), "bench-sync")],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )
        except OSError:
            return {}
        found, began = {}, time.monotonic()
        for line in child.stdout:
            method = re.match(r"\s+(\w+)\s+[\d.]+ ops/sec\s+(\d+) usecs/op", line)
            if method:
                found[method.group(1)] = int(method.group(2))
            if "two 8kB" in line or time.monotonic() - began > 15:
                break
        stop(child, 5)
        child.stdout.close()
        leftover = os.path.join(self.cluster_root(self.data), "bench-sync")
        if os.path.exists(leftover):
            os.remove(leftover)
        return found

    # ------------------------------------------------------------ all

    def run(self):
        if self.before:
            self.before.make_data()
        self.make_data()
        if self.options.data_only:
            say("The data is there.")
            return
        results = {"facts": self.facts(), "idle_resident_kib": resident_kib(self.server.pid)}
        if self.options.extras and "list" in self.options.only:
            # Before anything is written, so that both pages hold rows of one kind.
            self.pages(results)
        self.operations(results)
        if self.options.extras:
            self.many_connections(results)
            self.round_trips(results)
            self.starts(results)
        name = time.strftime("results-%Y%m%d-%H%M%S.json")
        for path in (os.path.join(self.folder, name), os.path.join(self.folder, "results.json")):
            with open(path, "w") as file:
                json.dump(results, file, indent=1)
        print(report.text(results))
        say(f"Written to target/bench/{name} and target/bench/results.json.")

    def close(self):
        if self.before:
            self.before.close()
        stop_all()
        shutil.rmtree(self.work, ignore_errors=True)
        self.log.close()


def arguments():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--server", required=True)
    parser.add_argument("--before", default="")
    parser.add_argument("--bare", default="")
    parser.add_argument("--commit", default="")
    parser.add_argument("--build", required=True)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--data-only", action="store_true")
    parser.add_argument("--only", action="append", choices=OPERATIONS)
    parser.add_argument("--no-pgbench", dest="pgbench", action="store_false")
    parser.add_argument("--no-extras", dest="extras", action="store_false")
    options = parser.parse_args()
    options.only = [name for name in OPERATIONS if name in (options.only or OPERATIONS)]
    return options


def compared(options):
    """The bench, with that of the server before it, if one is given."""
    before = None
    if options.before:
        other = argparse.Namespace(**{**vars(options), "server": options.before})
        before = Bench(other, "target/bench-before", sizes())
    return Bench(options, "target/bench", sizes(), before)


def interrupted(signum, _frame):
    # Once is enough: what follows is the ending of what was started.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(each, signal.SIG_IGN)
    reason = "it took longer than BENCH_LIMIT" if signum == signal.SIGALRM else signal.Signals(signum).name
    raise Failed(f"ended early: {reason}")


def carry_out(bench):
    """Runs what `bench` makes, to its end, and leaves nothing running, however it ends. Gives the exit code."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(each, interrupted)
    made = None
    try:
        signal.alarm(number("BENCH_LIMIT", 3600))
        made = bench()
        made.run()
        return 0
    except Failed as failure:
        say(f"\nFAILED: {failure}")
        return 1
    finally:
        signal.alarm(0)
        if made:
            made.close()
        else:
            stop_all()


if __name__ == "__main__":
    given = arguments()
    sys.exit(carry_out(lambda: compared(given)))

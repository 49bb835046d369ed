#!/usr/bin/env python3
"""Floods the sign-in page from one address, and measures the API meanwhile.

Starts a server of its own over an empty data folder, then twice keeps many connections busy for some seconds: first with
GET /healthz, then with POST /sign-in. Meanwhile a few clients of a tenant read and write contacts, and their times are taken.
What strangers do to the pages must not be felt by the API more than what they do to /healthz. Python's standard library alone;
Linux; nothing leaves 127.0.0.1.

    cargo build --release --locked -p bwp-app
    bench/flood.py target/release/bwp

Fails if the API's p99 beside the flood of sign-ins is more than three times that beside the other, or if any of its requests is
not answered with 2xx.
"""

import argparse
import ctypes
import http.client
import json
import multiprocessing
import os
import re
import resource
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

# How much worse than beside /healthz.
MOST = 3.0


def end_with_parent():
    """Has the kernel end this process, should the one that started it end."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


# ---------------------------------------------------------------- the server


class Server:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.log = open(os.path.join(folder, "log"), "w+")
        command = [program, "--json", "--data-dir", os.path.join(folder, "data"), "serve", "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, preexec_fn=end_with_parent
        )
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            sys.exit(f"the server did not start:\n{self.log.read()}")
        ready = json.loads(line)
        host, port = ready["listening"].rsplit(":", 1)
        self.address = (host, int(port))
        self.tenant = ready["firstStart"]["tenantId"]
        self.email = ready["firstStart"]["email"]
        # Budgets are not what is measured.
        self.run("tenant", "set-limit", self.tenant, "0")
        scopes = ["--scope", "contacts:read", "--scope", "contacts:write"]
        made = self.run("key", "create", "--tenant", self.tenant, "--name", "flood", "--rate-limit", "0", *scopes)
        self.key = json.loads(made)["key"]

    def run(self, *arguments):
        command = [self.program, "--json", "--data-dir", os.path.join(self.folder, "data"), *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout

    def resident_mib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


# ---------------------------------------------------------------- the flood


def sign_in(server):
    """A whole request to sign in, with a good token: what a stranger can have as often as they like."""
    connection = http.client.HTTPConnection(*server.address, timeout=10)
    connection.request("GET", "/sign-in")
    answer = connection.getresponse()
    cookie = answer.getheader("Set-Cookie").split(";")[0]
    token = re.search(r'name="csrf" value="([^"]+)"', answer.read().decode())[1]
    form = {"csrf": token, "next": "", "email": server.email, "password": "not the password"}
    body = urllib.parse.urlencode(form).encode()
    head = (
        f"POST /sign-in HTTP/1.1\r\nHost: {server.address[0]}:{server.address[1]}\r\nCookie: {cookie}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def healthz(server):
    return f"GET /healthz HTTP/1.1\r\nHost: {server.address[0]}:{server.address[1]}\r\n\r\n".encode()


LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Attacker:
    """One connection: sends, waits for the answer, sends again; and connects again when it was closed."""

    def __init__(self, flood):
        self.flood, self.socket = flood, None

    def connect(self):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(self.flood.address)
        self.received = b""
        self.flood.selector.register(self.socket, selectors.EVENT_WRITE, self)

    def close(self):
        self.flood.selector.unregister(self.socket)
        self.socket.close()

    def ready(self, events):
        try:
            if events & selectors.EVENT_WRITE:
                self.socket.send(self.flood.request)
                self.flood.selector.modify(self.socket, selectors.EVENT_READ, self)
                return
            part = self.socket.recv(65536)
        except OSError:
            part = b""
            self.flood.broken += 1
        if not part:
            self.close()
            self.connect()
            return
        self.received += part
        head, found, body = self.received.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if found and len(body) >= (int(length[1]) if length else 0):
            status = head[9:12].decode()
            self.flood.statuses[status] = self.flood.statuses.get(status, 0) + 1
            self.received = b""
            self.flood.selector.modify(self.socket, selectors.EVENT_WRITE, self)


class Flood:
    def __init__(self, address, request, connections, until):
        self.address, self.request = address, request
        self.selector = selectors.DefaultSelector()
        self.statuses, self.broken = {}, 0
        self.attackers = [Attacker(self) for _ in range(connections)]
        self.until = until

    def run(self):
        for attacker in self.attackers:
            attacker.connect()
        while time.monotonic() < self.until:
            for key, events in self.selector.select(0.1):
                key.data.ready(events)


def flood(address, request, connections, seconds, told):
    end_with_parent()
    run = Flood(address, request, connections, time.monotonic() + seconds)
    run.run()
    told.put((run.statuses, run.broken))


# ---------------------------------------------------------------- the client


def client(address, key, index, seconds, told):
    """A tenant's program: reads a page of contacts, makes one, and pauses."""
    end_with_parent()
    times, statuses = [], {}
    connection = http.client.HTTPConnection(*address, timeout=30)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    until, n = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        n += 1
        contact = json.dumps({"companyName": f"Client {index} of {n}", "type": "vendor"})
        for method, body in (("GET", None), ("POST", contact)):
            began = time.monotonic()
            try:
                connection.request(method, "/api/v1/contacts", body, headers)
                answer = connection.getresponse()
                answer.read()
                status = str(answer.status)
            except (OSError, http.client.HTTPException) as error:
                status = type(error).__name__
                connection.close()
            times.append(time.monotonic() - began)
            statuses[status] = statuses.get(status, 0) + 1
        time.sleep(0.005)
    told.put((times, statuses))


def measure(server, name, request, options):
    """Floods, and gives the times that the API took meanwhile, in milliseconds, sorted; and the statuses of its answers."""
    told, flooded = multiprocessing.Queue(), multiprocessing.Queue()
    attackers = []
    if request:
        arguments = (server.address, request, options.connections, options.seconds + 3, flooded)
        attackers = [multiprocessing.Process(target=flood, args=arguments)]
    for process in attackers:
        process.start()
    # Until all are connected.
    time.sleep(2)
    clients = [
        multiprocessing.Process(target=client, args=(server.address, server.key, index, options.seconds, told))
        for index in range(options.clients)
    ]
    for process in clients:
        process.start()
    times, statuses = [], {}
    for _ in clients:
        of_one, by_status = told.get(timeout=options.seconds + 60)
        times.extend(1000 * took for took in of_one)
        for status, count in by_status.items():
            statuses[status] = statuses.get(status, 0) + count
    memory = server.resident_mib()
    answers, broken = flooded.get(timeout=options.seconds + 60) if attackers else ({}, 0)
    for process in clients + attackers:
        process.join(10)
    times.sort()
    at = lambda share: times[min(len(times) - 1, int(share * len(times)))]
    rate = sum(answers.values()) / (options.seconds + 3)
    print(
        f"beside {name:8}  API: p50 {at(0.5):7.1f}  p99 {at(0.99):7.1f}  max {times[-1]:7.1f} ms of {len(times)}: {statuses};"
        f"  flood: {rate:.0f} a second, {answers}, {broken} broken;  server: {memory:.0f} MiB",
        flush=True,
    )
    return at(0.99), statuses


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server", help="the bwp binary")
    parser.add_argument("--connections", type=int, default=2600, help="of the flood [default: 2600]")
    parser.add_argument("--clients", type=int, default=4, help="of the API [default: 4]")
    parser.add_argument("--seconds", type=int, default=15, help="of each measurement [default: 15]")
    options = parser.parse_args()
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < options.connections + 100:
        sys.exit(f"only {most} files may be open here: raise the limit (ulimit -n), or give fewer --connections")
    folder = tempfile.mkdtemp(prefix="bwp-flood-")
    server = Server(os.path.abspath(options.server), folder)
    try:
        measure(server, "nothing", None, options)
        beside_healthz, first = measure(server, "healthz", healthz(server), options)
        beside_sign_in, second = measure(server, "sign-in", sign_in(server), options)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    ratio = beside_sign_in / beside_healthz
    print(f"the API's p99 beside the flood of sign-ins is {ratio:.2f} of that beside the one of /healthz")
    failed = {status: count for status, count in {**first, **second}.items() if not status.startswith("2")}
    if failed:
        sys.exit(f"some requests of the API failed: {failed}")
    if ratio > MOST:
        sys.exit(f"that is more than {MOST}")


if __name__ == "__main__":
    main()

"""Counts what a server and its database say to each other: a proxy for PostgreSQL's protocol, on a unix socket."""

import collections
import os
import socket
import struct
import threading


class Counter:
    def __init__(self):
        self.lock = threading.Lock()
        self.trips = 0
        self.statements = 0
        self.prepared = 0

    def read(self):
        with self.lock:
            return {"round_trips": self.trips, "statements": self.statements, "prepared": self.prepared}


class Messages:
    """Cuts a stream into messages: a type of one byte, a length of four that counts itself, the rest."""

    def __init__(self, first_has_no_type):
        self.buffer = b""
        self.untyped = first_has_no_type

    def feed(self, data):
        self.buffer += data
        types = []
        while True:
            start = 0 if self.untyped else 1
            if len(self.buffer) < start + 4:
                return types
            (length,) = struct.unpack_from("!i", self.buffer, start)
            if len(self.buffer) < start + length:
                return types
            types.append("startup" if self.untyped else chr(self.buffer[0]))
            self.buffer = self.buffer[start + length :]
            self.untyped = False


class Connection:
    """A round trip begins with what the client sends while it waits for nothing, and ends with ReadyForQuery. What is
    sent while an answer is awaited, as in a pipeline, belongs to the same one. Nobody waits for the closing of a
    prepared statement, so that alone is none."""

    def __init__(self, client, server, counter):
        self.client, self.server, self.counter = client, server, counter
        # What was sent and is not answered: of each, whether the client waits for it. The start-up is answered first.
        self.unanswered = collections.deque([True])
        self.waits = False
        for source, target, told in ((client, server, self.sent), (server, client, self.received)):
            messages = Messages(source is client)
            threading.Thread(target=self.pass_on, args=(source, target, messages, told), daemon=True).start()

    def pass_on(self, source, target, messages, told):
        try:
            while data := source.recv(65536):
                types = messages.feed(data)
                with self.counter.lock:
                    told(types)
                target.sendall(data)
        except OSError:
            pass
        for end in (self.client, self.server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def sent(self, types):
        for kind in types:
            if kind in ("startup", "X", "p"):
                continue
            # Close, Flush and Sync alone are nothing to wait for.
            if kind not in "CHS" and not self.waits:
                self.waits = True
                if not any(self.unanswered):
                    self.counter.trips += 1
            if kind in "EQ":
                self.counter.statements += 1
            if kind == "P":
                self.counter.prepared += 1
            if kind in "SQ":
                self.unanswered.append(self.waits)
                self.waits = False

    def received(self, types):
        for _ in range(types.count("Z")):
            self.unanswered.popleft()


class Proxy:
    """Listens in `folder`, as a PostgreSQL with its socket there would, and passes all on to the one in `upstream`."""

    def __init__(self, folder, upstream):
        self.counter = Counter()
        self.upstream = os.path.join(upstream, ".s.PGSQL.5432")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(folder, ".s.PGSQL.5432"))
        self.listener.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.upstream)
            Connection(client, server, self.counter)

    def close(self):
        self.listener.close()

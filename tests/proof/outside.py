"""An outside system in a process of its own: it makes effects, remembers them in a file, and misbehaves when asked to.

    python -m tests.proof.outside FOLDER          prints its address, serves until its standard input ends

Paths are `/<log>/<trouble>/<way>[/<name>]`. Each effect, each absorbed repeat and each look is one JSON line in
`FOLDER/<log>`, on the disk before anything is answered.

    way       once     POST; one effect for each Idempotency-Key
              doc      PUT .../doc/<name>; an effect unless the same document is there already
              another  POST; every request is an effect, whatever its key.  GET .../<way>/<name>: 200 if it was made
    trouble   `echo`: never an effect, always 422 with a card number and all that was sent, also what proves who sends;
              else what happens the first time it sees a key, after the effect was made:
              none | drop (the connection) | error (answer 500) | hang (for a minute) | slow (300 ms)
              | drip (answers one byte a second)
              or before it was made: refuse (503) | throttle (429, Retry-After: 3) | deny (422, always)

Each line says `at` which moment it was written, in seconds of the monotonic clock.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CARD = "5555555555554444"
BEFORE = {"refuse": 503, "throttle": 429}  # what a first request is answered, without an effect
ALWAYS = {"deny": 422, "echo": 422}


class System(ThreadingHTTPServer):
    """What was done, by log."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.lock = threading.Lock()
        self.keys: dict[tuple[str, str], Any] = {}
        self.made: set[tuple[str, str, str]] = set()
        self.met: set[tuple[str, str, str]] = set()

    def note(self, log: str, what: str, way: str, key: str, name: str, body: Any) -> None:
        fields = {"what": what, "way": way, "key": key, "name": name, "body": body, "at": time.monotonic()}
        line = json.dumps(fields) + "\n"
        file = os.open(self.folder / log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)

    def first(self, log: str, way: str, key: str) -> bool:
        """True the first time this key is met."""
        met = (log, way, key)
        if met in self.met:
            return False
        self.met.add(met)
        return True

    def apply(self, log: str, way: str, key: str, name: str, body: Any) -> None:
        """Make the effect this request asks for, unless it was made."""
        slot = (f"{log}/{way}", name if way == "doc" else key)
        known = slot in self.keys
        repeat = known and (way == "once" or (way == "doc" and self.keys[slot] == body))
        self.keys[slot] = body
        self.made.add((log, way, str(body["reference"])))
        self.note(log, "repeat" if repeat else "effect", way, key, name, body)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: System

    def do_POST(self) -> None:
        self._change()

    def do_PUT(self) -> None:
        self._change()

    def do_GET(self) -> None:
        log, _, way, name = self._parts()
        with self.server.lock:
            there = (log, way, name) in self.server.made
            self.server.note(log, "look", way, "", name, there)
        self._answer(200 if there else 404)

    def _parts(self) -> tuple[str, str, str, str]:
        log, trouble, way, *name = self.path.strip("/").split("/")
        return log, trouble, way, "/".join(name)

    def _change(self) -> None:
        length = int(self.headers["content-length"])
        content = self.rfile.read(length)
        if len(content) < length:  # the sender died over it: that is no request
            self.close_connection = True
            return
        body = json.loads(content, parse_float=str)
        log, trouble, way, name = self._parts()
        key = self.headers.get("idempotency-key", "")
        with self.server.lock:
            met = not self.server.first(log, way, key)
            status = 200 if met and trouble in BEFORE else BEFORE.get(trouble, ALWAYS.get(trouble, 200))
            if status == 200:
                self.server.apply(log, way, key, name, body)
            elif status == 429:
                self.server.note(log, "throttled", way, key, name, body)
        if trouble == "echo":
            self._answer(status, f"refused {CARD}: {self.headers} {content.decode()}".encode())
        else:
            self._then("none" if met else trouble, status)

    def _then(self, trouble: str, status: int) -> None:
        if trouble == "drop":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if trouble in ("hang", "slow"):
            time.sleep(60 if trouble == "hang" else 0.3)
        if trouble == "drip":
            self._drip()
            return
        self._answer(500 if trouble == "error" else status)

    def _drip(self) -> None:
        """A minute's answer."""
        self.send_response(200)
        self.send_header("content-length", "60")
        self.end_headers()
        for _ in range(60):
            self.wfile.write(b" ")
            time.sleep(1)

    def _answer(self, status: int, content: bytes = b"{}") -> None:
        self.send_response(status)
        if status == 429:
            self.send_header("retry-after", "3")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr."""

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            return  # the other side was killed


def main() -> None:
    """Serve until nobody holds our standard input any more."""
    system = System(Path(sys.argv[1]))
    print(f"http://127.0.0.1:{system.server_address[1]}", flush=True)
    threading.Thread(target=system.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()

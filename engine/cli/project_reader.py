"""The reader's own process (see `engine.reader`): looks at the files, compiles what changed, runs tests when asked."""

from __future__ import annotations

import argparse
import os
import select
import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from engine.config.snapshot import Snapshots
from engine.core.findings import Finding
from engine.core.quoting import short
from engine.discover import discover
from engine.loading import Compiling
from engine.reader import Reading, line_of, packed
from engine.settings import Settings
from engine.testing.runner.changed import failures

EVERY = 0.25  # seconds between looks; polling is the guarantee
SELDOM = 0.9  # the same, where the system tells of changes
SOON = 0.03  # the same, while a file may be half written
MOST_ERRORS = 50


class Reader:
    """`run` until its input ends."""

    def __init__(self, settings: Settings, requests: BinaryIO, answers: BinaryIO) -> None:
        self._settings = settings
        self._requests = requests
        self._answers = answers
        self._registry = discover()
        self._snapshots = Snapshots(settings.project, settings.secrets)
        self._compiling = Compiling(settings, os.environ, self._registry)
        self._reading = Reading("", {}, [], {}, [])
        self._sent: Mapping[str, bytes] = {}
        self._files: Mapping[str, bytes] = {}
        self._every = EVERY

    def run(self) -> None:
        """Look, answer, look again."""
        told = self._told_of_changes()
        while True:
            waits = [self._requests.fileno(), *([told] if told is not None else [])]
            ready, _, _ = select.select(waits, [], [], self._pause())
            if told in ready and told is not None:
                os.read(told, 65536)
            if self._requests.fileno() in ready:
                if not self._answer():
                    return
            else:
                self._look("changed")

    def _pause(self) -> float:
        if self._snapshots.waiting:
            return SOON
        return EVERY if self._snapshots.linked else self._every

    def _answer(self) -> bool:
        head = self._taken(8)
        if len(head) < 8:
            return False
        request = msgspec.msgpack.decode(self._taken(int.from_bytes(head, "big")))
        if request["do"] == "test":
            self._send({"what": "tests", "failures": self._tests(request)})
        elif not self._look("looked"):
            self._tell("looked")
        return True

    def _taken(self, size: int) -> bytes:
        """So many bytes of the input, fewer only at its end. Unbuffered, so that `select` sees what is left."""
        parts = bytearray()
        while len(parts) < size and (part := self._requests.read(size - len(parts))):
            parts += part
        return bytes(parts)

    def _look(self, what: str) -> bool:
        """Tell what the files are when they changed. False when they did not."""
        seen = self._snapshots.look()
        while seen is None and what == "looked" and self._snapshots.waiting:
            threading.Event().wait(0.02)
            seen = self._snapshots.look()
        if seen is None:
            return False
        self._files, found = seen
        self._reading = self._read(found)
        self._tell(what)
        return True

    def _read(self, found: Sequence[Finding]) -> Reading:
        """What the files are. A defect of ours is told like an error in them: what runs goes on, and somebody knows why."""
        try:
            routeset, more = self._compiling.compile(self._files)
        except Exception as error:
            why = f"the files cannot be compiled ({type(error).__name__}: {short(str(error))}); it is a defect of the engine"
            return Reading("", {}, [f"{why}, take the last change back"], {}, [])
        errors = [line_of(one) for one in (*found, *more) if one.severity == "error"][:MOST_ERRORS]
        plans = dict(routeset.digests)
        return Reading("" if errors else routeset.digest, {} if errors else plans, errors, {}, [])

    def _tell(self, what: str) -> None:
        others = {path: content for path, content in self._files.items() if self._sent.get(path) != content}
        gone = sorted(self._sent.keys() - self._files.keys())
        self._sent = self._files
        self._send({"what": what, "reading": replace(self._reading, files=others, gone=gone)})

    def _send(self, message: Any) -> None:
        self._answers.write(packed(message))
        self._answers.flush()

    # --- tests -------------------------------------------------------------------------------------------------------

    def _tests(self, request: Mapping[str, Any]) -> list[str]:
        files = {path: content for path, content in self._sent.items() if path not in request["gone"]}
        return list(failures({**files, **request["files"]}, request["changed"], os.environ, self._registry))

    # --- the accelerator ---------------------------------------------------------------------------------------------

    def _told_of_changes(self) -> int | None:
        """A descriptor that can be read when the system says that something changed; None where it cannot."""
        folders = [path for name in ("routes", "mappings") if (path := self._settings.project / name).is_dir()]
        try:
            from watchfiles import watch
        except ImportError:
            return None
        reads, writes = os.pipe()

        def listen() -> None:
            try:
                for _ in watch(*folders, debounce=50, step=20, watch_filter=None, recursive=True):
                    os.write(writes, b".")
            except Exception:
                self._every = EVERY  # it is only the faster way

        self._every = SELDOM
        threading.Thread(target=listen, daemon=True).start()
        return reads


def main() -> None:
    """Read settings, then serve the engine that started this."""
    parser = argparse.ArgumentParser(prog="engine.cli.project_reader", description=__doc__)
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True)
    given = parser.parse_args()
    settings = Settings.read(os.environ, given.project, given.state)
    os.nice(5)  # events come first; more, and on a busy machine it would hardly come to it at all
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the engine, whose end ends this
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a plugin prints is no answer
    Reader(settings, os.fdopen(os.dup(0), "rb", buffering=0), answers).run()


if __name__ == "__main__":
    main()

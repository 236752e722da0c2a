"""`tillflow run` is a parent with one child. The child does all the work and owns transport and store; the parent only
notices its death, remembers what it was executing, and starts it again.

What was executing when the child died is *suspect*: its next copy goes to the quarantine queue, where suspects run one
at a time. A suspect that was executing there when the child died again is *poison* and becomes a work item. Connections
that close, sinks that fail and children that leave on purpose make no suspects.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

FOLDER = "TILLFLOW_WATCH"  # names the folder the parent and its child share
SLOTS = 512
SLOT_SIZE = 64
MOST_SUSPECTS = 10_000

Mark = tuple[str, int]  # an id and its attempt
Kind = bytes
RUNNING, ALONE = b"r", b"q"  # executing among others; executing alone in quarantine


class Watch:
    """The child's side: what it executes now, and what it must be careful with.

    Without a folder (tests, one process without a parent) it remembers nothing and suspects nobody.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._map: mmap.mmap | None = None
        self._free = list(range(SLOTS - 1, -1, -1))
        self._suspects: frozenset[str] = frozenset()
        self._poison: frozenset[Mark] = frozenset()
        if folder is not None:
            self._suspects, self._poison = read_suspects(folder)
            self._map = _mapped(folder)

    @classmethod
    def from_environment(cls) -> Watch:
        """The watch of a process that a parent started; one that does nothing otherwise."""
        folder = os.environ.get(FOLDER)
        return cls(Path(folder) if folder else None)

    def suspect(self, id: str) -> bool:
        """It was executing when a process died."""
        return id in self._suspects

    def poison(self, id: str, attempt: int) -> bool:
        """This very attempt of it killed a process in quarantine."""
        return (id, attempt) in self._poison

    @contextmanager
    def executing(self, marks: Sequence[Mark], *, alone: bool = False) -> Iterator[None]:
        """These are being executed. With more than SLOTS at a time the rest goes unnoticed."""
        if self._map is None:
            yield
            return
        taken = [self._free.pop() for _ in marks[: len(self._free)]]
        for slot, (name, attempt) in zip(taken, marks, strict=False):
            text = f"{attempt}:{name}".encode()[: SLOT_SIZE - 1]
            self._map[slot * SLOT_SIZE : (slot + 1) * SLOT_SIZE] = (
                (ALONE if alone else RUNNING) + text
            ).ljust(SLOT_SIZE, b"\0")
        try:
            yield
        finally:
            for slot in taken:
                self._map[slot * SLOT_SIZE] = 0
            self._free += taken

    def close(self) -> None:
        """Let go of the shared memory."""
        if self._map is not None:
            self._map.close()
            self._map = None


def when_parent_dies(stop: Callable[[], None]) -> None:
    """Have the running loop call `stop` when the parent is gone. Nothing without a parent."""
    if FOLDER not in os.environ:
        return
    loop = asyncio.get_running_loop()

    def look() -> None:
        if not os.read(0, 1024):
            loop.remove_reader(0)
            stop()

    loop.add_reader(0, look)


def read_suspects(folder: Path) -> tuple[frozenset[str], frozenset[Mark]]:
    """What the parent wrote down: ids of suspects, and marks of poison."""
    try:
        known = json.loads((folder / "suspects.json").read_text("utf-8"))
    except FileNotFoundError:
        return frozenset(), frozenset()
    return frozenset(known["suspects"]), frozenset((name, attempt) for name, attempt in known["poison"])


def _mapped(folder: Path) -> mmap.mmap:
    """The shared slots, all empty. Its pages belong to the file: they survive whatever kills the process."""
    path = folder / "executing"
    path.write_bytes(bytes(SLOTS * SLOT_SIZE))
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), SLOTS * SLOT_SIZE)


def executing_in(folder: Path) -> list[tuple[Kind, Mark]]:
    """What stands in the slots: what a dead child was executing."""
    path = folder / "executing"
    content = path.read_bytes() if path.exists() else b""
    found = []
    for start in range(0, len(content), SLOT_SIZE):
        slot = content[start : start + SLOT_SIZE].rstrip(b"\0")
        if slot[:1] in (RUNNING, ALONE):
            attempt, _, name = slot[1:].decode("ascii", "replace").partition(":")
            found.append((slot[:1], (name, int(attempt))))
    return found


def note_death(folder: Path) -> tuple[int, int]:
    """Mark what was executing as suspect, what executed in quarantine as poison. Answers how many of each."""
    died_in = executing_in(folder)
    suspects, poison = read_suspects(folder)
    fresh = [name for kind, (name, _) in died_in if kind == RUNNING and name not in suspects]
    killers = [mark for kind, mark in died_in if kind == ALONE and mark not in poison]
    kept = {
        "suspects": [*sorted(suspects), *fresh][-MOST_SUSPECTS:],
        "poison": [*sorted(poison), *killers][-MOST_SUSPECTS:],
    }
    written = folder / "suspects.json.new"
    with written.open("w", encoding="utf-8") as file:
        json.dump(kept, file)
        file.flush()
        os.fsync(file.fileno())
    written.replace(folder / "suspects.json")
    return len(fresh), len(killers)


@dataclass
class Parent:
    """Runs a command as its child until it ends on purpose.

    command    of the child
    folder     shared with it; made if missing
    ends       exit codes with which the child leaves on purpose: they become the parent's own
    long_life  seconds after which a child counts as healthy and the pause before a restart starts small again
    """

    command: Sequence[str]
    folder: Path
    ends: frozenset[int]
    say: Callable[[str], None]
    first_pause: float = 0.2
    longest_pause: float = 30.0
    long_life: float = 60.0
    patience: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _asked_to_stop: bool = field(default=False, init=False)

    def run(self) -> int:
        """Start the child, and again whenever it dies. Answers the exit code it left with; 0 after a stop."""
        self.folder.mkdir(parents=True, exist_ok=True)
        before = {sign: signal.signal(sign, self._stop) for sign in (signal.SIGTERM, signal.SIGINT)}
        try:
            return self._keep_running()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for sign, handler in before.items():
                signal.signal(sign, handler)

    def _keep_running(self) -> int:
        pause = self.first_pause
        while True:
            began = self.monotonic()
            code = self._one_life()
            if self._asked_to_stop:
                return 0 if code in (0, -signal.SIGTERM, -signal.SIGINT) else max(code, 1)
            if code in self.ends:
                return code
            suspects, poison = note_death(self.folder)
            if self.monotonic() - began >= self.long_life:
                pause = self.first_pause
            cause = f"signal {-code}" if code < 0 else f"exit code {code}"
            self.say(f"the worker died ({cause}); {suspects} new suspects, {poison} poison; again in {pause:g} s")
            self._rest(pause)
            if self._asked_to_stop:
                return 0
            pause = min(pause * 2, self.longest_pause)

    def _rest(self, seconds: float) -> None:
        """Sleep in small steps: a signal does not end a sleep by itself."""
        while seconds > 0 and not self._asked_to_stop:
            self.sleep(min(seconds, 0.2))
            seconds -= 0.2

    def _one_life(self) -> int:
        """Start a child and wait for its end. It is told of our death by the end of its standard input."""
        (self.folder / "executing").unlink(missing_ok=True)
        environment = {**os.environ, FOLDER: str(self.folder)}
        self._child = subprocess.Popen(self.command, env=environment, stdin=subprocess.PIPE)
        try:
            if self._asked_to_stop:
                self._child.terminate()
            return self._child.wait()
        finally:
            if self._child.stdin is not None:
                self._child.stdin.close()
            self._child = None

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Pass a stop on to the child; a second one, or one it does not follow, kills it."""
        child, again = self._child, self._asked_to_stop
        self._asked_to_stop = True
        if child is None:
            return
        if again:
            child.kill()
        else:
            child.terminate()
            signal.signal(signal.SIGALRM, lambda *_: child.kill())
            signal.setitimer(signal.ITIMER_REAL, self.patience)

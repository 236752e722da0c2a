"""What a process is executing, in memory that outlives it, and what it must be careful with because of earlier deaths.

What was executing when a process died is *suspect*: its next copy runs when no other suspect does (deliveries in the
quarantine queue, events in a task of their own, documents while they are decoded). A suspect that was the only one
executing when the process died again is *poison* and becomes a work item. If others were executing too it is doubted:
the second death in company makes it poison. With several children each marks for itself; what one death says holds for
all of them.

Over a shared store it holds on all hosts: each process tells with its heartbeat what its host knows (see `heartbeat`).
A suspect that comes to a process is held until news of a death elsewhere must have arrived. So an event kills at most
each process once, before any of them knows of it, and two more in quarantine, on however many hosts.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from engine.core.errors import StoreDown

FOLDER = "TILLFLOW_MARKS"  # names the folder the parent and its children share
NUMBER = "TILLFLOW_WORKER"  # which of them a child is, from 1
SLOTS = 4096
SLOT_SIZE = 64
COUNTER = 8  # bytes
MOST_SUSPECTS = 10_000
MOST_TOLD = 200  # the newest of each kind, to other hosts
NEWS = 8.0  # seconds: a process that died is started again, tells of it at once, and the others read that

Mark = tuple[str, int]  # an id and its attempt
Kind = bytes
RUNNING, ALONE = b"r", b"q"  # executing among others; executing alone in quarantine


class Watch:
    """The child's side: what it executes now, and what it must be careful with: what was executing when it, or another
    child of its parent, died. That is looked at again as soon as the parent has written down a death.

    Without a folder (tests, one process without a parent) it remembers nothing and suspects nobody.
    """

    def __init__(self, folder: Path | None = None, number: int = 1) -> None:
        self._folder = folder
        self._deaths: mmap.mmap | None = None
        self._seen = b""
        self._map: mmap.mmap | None = None
        self._free = list(range(SLOTS - 1, -1, -1))
        self._suspects: frozenset[str] = frozenset()
        self._poison: frozenset[Mark] = frozenset()
        self._heard: tuple[set[str], set[Mark]] = set(), set()  # suspects and poison of other hosts
        self._told: dict[str, Any] = {}
        self.pause = 0.0  # seconds a suspect is held before it executes here: NEWS, where there are other hosts
        self.turn = asyncio.Lock()  # held by the one suspect that executes
        if folder is not None:
            self._deaths = _counter(folder)
            self._map = _mapped(executing_file(folder, number))
            self._look()

    @classmethod
    def from_environment(cls) -> Watch:
        """The watch of a process that a parent started; one that does nothing otherwise. Raises StoreDown: it can be
        tried again.
        """
        folder = os.environ.get(FOLDER)
        if not folder:
            return cls()
        try:
            return cls(Path(folder), int(os.environ.get(NUMBER, "1")))
        except OSError as error:
            text = f"what this process executes cannot be noted in {folder}: {error.strerror or error}; make room there"
            raise StoreDown(text) from None

    def suspect(self, id: str) -> bool:
        """It was executing when a process died."""
        self._look()
        return id in self._suspects or id in self._heard[0]

    def poison(self, id: str, attempt: int) -> bool:
        """This very attempt of it killed a process in quarantine."""
        self._look()
        return (id, attempt) in self._poison or (id, attempt) in self._heard[1]

    def told(self) -> dict[str, Any]:
        """What this host knows from deaths, for other hosts. Plain values."""
        self._look()
        return self._told

    def hear(self, told: Mapping[str, Any]) -> None:
        """What another host told."""
        self._heard[0].update(told.get("suspects", ()))
        self._heard[1].update((id, attempt) for id, attempt in told.get("poison", ()))

    @contextmanager
    def executing(self, marks: Sequence[Mark], *, alone: bool = False) -> Iterator[None]:
        """These are being executed. With more than SLOTS at a time the rest goes unnoticed."""
        if self._map is None:
            yield
            return
        taken = [self._free.pop() for _ in marks[: len(self._free)]]
        for slot, (name, attempt) in zip(taken, marks, strict=False):
            text = f"{attempt}:{name}".encode()[: SLOT_SIZE - 1]
            self._map[slot * SLOT_SIZE : (slot + 1) * SLOT_SIZE] = ((ALONE if alone else RUNNING) + text).ljust(
                SLOT_SIZE, b"\0"
            )
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
        if self._deaths is not None:
            self._deaths.close()
            self._deaths = None

    def _look(self) -> None:
        """Read what the parent wrote down, if it did since."""
        if self._deaths is None or self._folder is None or self._deaths[:COUNTER] == self._seen:
            return
        self._seen = self._deaths[:COUNTER]
        known = read_suspects(self._folder)
        self._suspects, self._poison = frozenset(known.suspects), frozenset(known.poison)
        newest = {"suspects": known.suspects[-MOST_TOLD:], "poison": known.poison[-MOST_TOLD:]}
        self._told = {kind: list(some) for kind, some in newest.items() if some}


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


class Known(NamedTuple):
    """What the parent wrote down: ids of suspects; marks of poison, and of what died alone but in company once.

    The newest ones last.
    """

    suspects: tuple[str, ...] = ()
    poison: tuple[Mark, ...] = ()
    doubted: tuple[Mark, ...] = ()


def read_suspects(folder: Path) -> Known:
    """What is known from earlier deaths."""
    try:
        known = json.loads((folder / "suspects.json").read_text("utf-8"))
    except FileNotFoundError:
        return Known()
    poison, doubted = (tuple((name, attempt) for name, attempt in known.get(k, ())) for k in ("poison", "doubted"))
    return Known(tuple(known["suspects"]), poison, doubted)


def executing_file(folder: Path, number: int) -> Path:
    """Where the child of that number keeps what it executes."""
    return folder / f"executing-{number}"


def forget_executing(folder: Path, number: int) -> None:
    """Empty the slots of a child before its next life. The file keeps its room: a full disk would not give it again."""
    path = executing_file(folder, number)
    try:
        with path.open("r+b") as file:
            file.write(bytes(os.fstat(file.fileno()).st_size))
    except OSError:
        path.unlink(missing_ok=True)


def _counter(folder: Path) -> mmap.mmap:
    """How many deaths were written down, in memory shared with the parent."""
    path = folder / "deaths"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.fstat(descriptor).st_size < COUNTER:
            os.ftruncate(descriptor, COUNTER)
        return mmap.mmap(descriptor, COUNTER)
    finally:
        os.close(descriptor)


def _mapped(path: Path) -> mmap.mmap:
    """The shared slots, all empty. Its pages belong to the file: they survive whatever kills the process."""
    size = SLOTS * SLOT_SIZE
    if not path.exists() or path.stat().st_size != size:
        path.write_bytes(bytes(size))
    with path.open("r+b") as file:
        slots = mmap.mmap(file.fileno(), size)
    slots[:] = bytes(size)
    return slots


def executing_in(folder: Path, number: int = 1) -> list[tuple[Kind, Mark]]:
    """What stands in the slots: what the dead child of that number was executing."""
    path = executing_file(folder, number)
    content = path.read_bytes() if path.exists() else b""
    found = []
    for start in range(0, len(content), SLOT_SIZE):
        slot = content[start : start + SLOT_SIZE].rstrip(b"\0")
        if slot[:1] in (RUNNING, ALONE):
            attempt, _, name = slot[1:].decode("ascii", "replace").partition(":")
            found.append((slot[:1], (name, int(attempt))))
    return found


def judge(known: Known, died_in: Sequence[tuple[Kind, Mark]]) -> tuple[Known, int, int]:
    """What was executing is suspect now, and a suspect that executed alone is poison. Answers what is known then, and
    how many of each are new.
    """
    fresh = [name for kind, (name, _) in died_in if kind == RUNNING and name not in known.suspects]
    alone = [mark for kind, mark in died_in if kind == ALONE and mark not in known.poison]
    killers = [mark for mark in alone if len(died_in) == 1 or mark in known.doubted]
    doubted = [mark for mark in alone if mark not in killers]
    judged = Known(
        (*known.suspects, *fresh)[-MOST_SUSPECTS:],
        (*known.poison, *killers)[-MOST_SUSPECTS:],
        (*known.doubted, *doubted)[-MOST_SUSPECTS:],
    )
    return judged, len(fresh), len(killers)


def write_down(folder: Path, known: Known) -> None:
    """Tell all children what is known now. Raises OSError; then what was told before still stands."""
    written = folder / "suspects.json.new"
    with written.open("w", encoding="utf-8") as file:
        json.dump(known._asdict(), file)
        file.flush()
        os.fsync(file.fileno())
    written.replace(folder / "suspects.json")
    with closing(_counter(folder)) as deaths:
        deaths[:COUNTER] = (int.from_bytes(deaths[:COUNTER], "big") + 1).to_bytes(COUNTER, "big")

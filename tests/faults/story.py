"""A fault story: tills that write all the time, an engine that something happens to, and the verdict in the end."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests import postgres_server
from tests.proof import checker, projects, till
from tests.proof.conftest import Outside
from tests.proof.place import Life
from tests.proof.shared import SharedPlace
from tests.rabbitmq_broker import Broker, done_with

RETRY = projects.RETRY
SETTLED = 150.0  # seconds until what does not come to rest counts as lost
ENOUGH = 50  # sales that have to come through for the flow to count as flowing
BOTH = {"once": "by-key", "doc": "by-name"}  # what the outside calls a request -> the sink that makes it


@dataclass(frozen=True)
class Ground:
    """What a story stands on. `plane` is a name of tests/planes.py."""

    broker: Broker
    dsn: str
    outside: Outside
    plane: str


def two_sinks(more: str = "") -> dict[str, str]:
    """Sales from files, posted to a sink that absorbs repeats by their key, and to one that does by the name."""
    to = projects.sink("idempotency_key", "by-key", more + RETRY) + projects.sink("upsert", "by-name", RETRY)
    return wide(projects.project(projects.posting(to)))


def wide(files: dict[str, str]) -> dict[str, str]:
    """With enough requests at a time that a slow outside keeps many in hand and holds up nobody."""
    known = projects.CONNECTIONS
    assert "concurrency: 8" in known
    return files | {"routes/connections.yaml": known.replace("concurrency: 8", "concurrency: 64")}


class Tills:
    """A thread that drops files of new sales until it is told to stop: `rate` sales a second, numbered from `first`."""

    def __init__(self, place: SharedPlace, rate: int, first: int = 0) -> None:
        self._place, self._each = place, max(1, rate // 5)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self.count = first
        self._thread.start()

    def stop(self) -> int:
        """No more; the number the next one would have."""
        self._stopping.set()
        self._thread.join()
        return self.count

    def _write(self) -> None:
        while not self._stopping.wait(0.2):
            numbers = range(self.count, self.count + self._each)
            self._place.drop(f"{self.count:06}.jsonl", till.written(till.sale(n, "AB"[n % 2]) for n in numbers))
            self.count += self._each


class Story(SharedPlace):
    """One host of a cell that nobody else has, and what the outside heard of it.

    transport, store   other addresses of the same servers: those of a proxy before them
    """

    def __init__(
        self,
        folder: Path,
        ground: Ground,
        files: Mapping[str, str | bytes] | None = None,
        trouble: str = "none",
        *,
        cell: str = "",
        transport: str = "",
        store: str = "",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        name = cell or f"t{uuid4().hex[:10]}"
        given = {
            "TILLFLOW_TRANSPORT": transport or ground.broker.url,
            "TILLFLOW_STORE": store or ground.dsn,
            "OUTSIDE": f"{ground.outside.url}/{name}/{trouble}",
            "PROOF_PLANE": ground.plane,
        }
        super().__init__(folder, files or two_sinks(), name, given | dict(environ or {}))
        self.dsn = ground.dsn
        self.ground = ground
        self.heard = ground.outside.folder / name

    def cast(self, *, crash: str = "") -> Life:
        """An engine process that takes in events."""
        return self.running(self.start(crash))

    def until(self, life: Life, happened: Any, within: float = SETTLED) -> None:
        """Wait for something while a process lives. Looks seldom: what is looked at costs something here."""
        ends = time.monotonic() + within
        while not happened():
            assert life.code is None, f"the process ended with {life.code}: {self.told()[-2000:]}"
            assert time.monotonic() < ends, f"it did not happen within {within:g} s; log: {self.told()[-2000:]}"
            time.sleep(0.1)

    def applied(self, way: str) -> dict[str, list[str]]:
        """Effects of one kind of request, as the outside wrote them down."""
        return checker.of_log(self.heard, way)

    def settle(self, life: Life, sinks: Iterable[str] | None = None) -> None:
        """Wait until all that was sold has come to its sinks or waits, and nothing moves any more."""
        sold = set(till.sold(self.inbox, self.archive, self.failed))

        def left() -> dict[str, int]:
            missing = {way: len(sold - self.applied(way).keys()) for way in sinks or BOTH}
            return {f"not at {way}": count for way, count in missing.items() if count} or self.moving()

        ends = time.monotonic() + SETTLED
        while moving := left():
            assert life.code is None, f"the process ended with {life.code}: {self.told()[-2000:]}"
            assert not self.items(), self.items()
            assert time.monotonic() < ends, f"it does not come to rest: {moving}; log: {self.told()[-2000:]}"
            time.sleep(0.2)

    def verdict(self, sinks: Mapping[str, str] | None = None) -> set[str]:
        """Everything sold was applied once at each sink, and nothing waits. The receipts."""
        folders, items = (self.inbox, self.archive, self.failed), self.items()
        for way, sink in (sinks or BOTH).items():
            checker.check(checker.Found(self.applied(way), checker.waiting(items, sink)), folders, sink)
        assert items == [], items
        return set(till.sold(*folders))

    def end(self, life: Life, sinks: Mapping[str, str] | None = None) -> set[str]:
        """Settled, stopped in good order, judged."""
        self.settle(life, sinks)
        assert life.stop(40.0) == 0, self.told()[-2000:]
        return self.verdict(sinks)


def under_load(story: Story, happen: Callable[[], None], rate: int = 50) -> set[str]:
    """An engine to which something happens, with sales before it, meanwhile and after it; the verdict's receipts."""
    life = story.cast()
    tills = Tills(story, rate)
    try:
        flows(story, life)
        happen()
        flows(story, life)
    finally:
        tills.stop()
    return story.end(life)


def flows(story: Story, life: Life) -> None:
    """Wait until sales come through."""
    more = len(story.applied("once")) + ENOUGH
    story.until(life, lambda: len(story.applied("once")) >= more)


@contextmanager
def told(story: Story, *others: Story) -> Iterator[Story]:
    """In the end whatever still lives is killed, and the cell's tables and queues go."""
    try:
        yield story
    finally:
        for life in (life for place in (story, *others) for life in place.begun):
            life.signal(signal.SIGKILL)
        asyncio.run(postgres_server.run(story.dsn, f"DROP SCHEMA IF EXISTS {story.cell} CASCADE"))
        done_with(story.cell)


def depths(story: Story) -> dict[str, Any]:
    """What lies in each queue of the cell, as the broker itself counts: ready and in hand together."""
    lines = story.ground.broker.steer("list_queues", "--vhost", story.ground.broker.vhost, "name", "messages")
    found = {}
    for line in lines.splitlines():
        name, _, count = line.partition("\t")
        if name.startswith(f"{story.cell}."):
            found[name.removeprefix(f"{story.cell}.")] = int(count)
    return found

"""Who works here: rows that every engine process writes about itself every few seconds.

A process is live as long as its row is not older than the caller says. What it tells of itself (`facts`) is JSON that
only the runtime reads.
"""

from __future__ import annotations

from msgspec import Struct

from engine.ports.store.base import Op


class WorkerRow(Struct, frozen=True):
    """One process. Times are UTC microseconds."""

    name: str
    since: int
    at: int
    facts: str


class WorkerBeat(Op[None], frozen=True):
    """This process lives; its row takes the place of the one before."""

    row: WorkerRow


class WorkerGone(Op[None], frozen=True):
    """This process has ended; nothing happens when there is no such row."""

    name: str


class WorkersSince(Op[list[WorkerRow]], frozen=True):
    """The rows written at `at` or later, by name."""

    at: int
    reads = True

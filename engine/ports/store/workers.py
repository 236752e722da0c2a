"""Who works here: rows that every engine process writes about itself every few seconds.

A process is live as long as its row is not older than the caller says. What it tells of itself (`facts`) is JSON that
only the runtime reads.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.ports.store.base import Op


@dataclass(frozen=True)
class WorkerRow:
    """One process. Times are UTC microseconds."""

    name: str
    since: int
    at: int
    facts: str


@dataclass(frozen=True)
class WorkerBeat(Op[None]):
    """This process lives; its row takes the place of the one before."""

    row: WorkerRow


@dataclass(frozen=True)
class WorkerGone(Op[None]):
    """This process has ended; nothing happens when there is no such row."""

    name: str


@dataclass(frozen=True)
class WorkersSince(Op[list[WorkerRow]]):
    """The rows written at `at` or later, by name."""

    at: int
    reads = True

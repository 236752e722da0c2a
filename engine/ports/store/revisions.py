"""Revisions: the project as it was loaded, with all its bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from engine.ports.store.base import Op

RevisionState = Literal["staged", "active", "rejected", "past"]


@dataclass(frozen=True, slots=True)
class Revision:
    """One loaded project.

    id        digest of the RouteSet
    number    counts up in the order they were first recorded
    plans     route -> plan digest
    files     path -> bytes of every file it was built from
    """

    id: str
    plans: Mapping[str, str]
    files: Mapping[str, bytes] = field(default_factory=dict)
    state: RevisionState = "active"
    author: str = ""
    reason: str = ""
    at: int = 0
    number: int = 0


@dataclass(frozen=True)
class RevisionPut(Op[int]):
    """Record a revision (its number is answered) and, when `active`, make the former active one `past`."""

    revision: Revision


@dataclass(frozen=True)
class RevisionGet(Op[Revision | None]):
    """One with its files."""

    id: str
    reads = True


@dataclass(frozen=True)
class RevisionOfPlan(Op[Revision | None]):
    """The newest revision that contains the Plan with this digest, with its files."""

    plan: str
    reads = True


@dataclass(frozen=True)
class RevisionList(Op[list[Revision]]):
    """Newest first, without files."""

    limit: int = 50
    reads = True


@dataclass(frozen=True)
class RevisionPrune(Op[int]):
    """Drop files of all but the newest `keep`, never of one whose plans are in `needed`. Answers how many."""

    keep: int
    needed: Sequence[str] = ()

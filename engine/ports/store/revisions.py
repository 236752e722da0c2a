"""Revisions: the project as it was loaded, with all its bytes, and how far each process is with one.

`staged` is offered to every live process, `active` is what all of them run, `rejected` was not taken or was taken back,
`past` was active once. There is at most one of the first two each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct, field

from engine.ports.store.base import Op

RevisionState = Literal["staged", "active", "rejected", "past"]
OVERTAKEN = "another revision was staged before this one was done"


class Revision(Struct, frozen=True):
    """One loaded project.

    id        digest of the RouteSet
    number    counts up in the order they were first recorded
    plans     route -> plan digest
    files     path -> bytes of every file it was built from
    at        when it came to its state; while it is staged and active this names the attempt reports belong to
    problem   why it was rejected
    """

    id: str
    plans: Mapping[str, str]
    files: Mapping[str, bytes] = field(default_factory=dict)
    state: RevisionState = "active"
    author: str = ""
    reason: str = ""
    at: int = 0
    number: int = 0
    problem: str = ""


class RevisionPut(Op[int], frozen=True):
    """Record a revision (its number is answered). When `active` it makes the former active one `past`, when `staged`
    another staged one `rejected`; reports of an earlier attempt are forgotten.
    """

    revision: Revision


class RevisionGet(Op[Revision | None], frozen=True):
    """One with its files."""

    id: str
    reads = True


class RevisionOfPlan(Op[Revision | None], frozen=True):
    """The newest revision that contains the Plan with this digest, with its files."""

    plan: str
    reads = True


class RevisionList(Op[list[Revision]], frozen=True):
    """Newest first, without files."""

    limit: int = 50
    reads = True


class RevisionPrune(Op[int], frozen=True):
    """Drop files of all but the newest `keep`, never of one whose plans are in `needed`. Answers how many."""

    keep: int
    needed: Sequence[str] = ()


class Standing(Struct, frozen=True):
    """Which revisions count now, without files."""

    active: Revision | None = None
    staged: Revision | None = None


class RevisionsNow(Op[Standing], frozen=True):
    """The active revision and the staged one."""

    reads = True


class RevisionMark(Op[bool], frozen=True):
    """Bring a revision from the attempt `at` to another state. False when it is not in state `was` of that attempt.

    state     `active` makes the former active one `past`
    now       the attempt it is from now on; 0 keeps it
    required  raise Fenced instead of answering False
    """

    id: str
    at: int
    was: RevisionState
    state: RevisionState
    problem: str = ""
    now: int = 0
    required: bool = False


Stage = Literal["ready", "waits", "refused", "running", "failed"]


class Report(Struct, frozen=True):
    """How far one process is with a revision.

    stage     ready, waits and refused answer `staged`; running and failed answer `active`. What `waits` is not ready, for
              a reason that may pass by itself: a system does not answer, a queue is not made yet
    problem   why it waits, is refused or failed, with file and line where there are
    """

    worker: str
    stage: Stage
    problem: str = ""
    at: int = 0


class RevisionReport(Op[bool], frozen=True):
    """A process reports on the attempt `attempt` of a revision; its earlier report is replaced. False when it is over."""

    id: str
    attempt: int
    report: Report


class RevisionReports(Op[list[Report]], frozen=True):
    """What the processes report on the present attempt of a revision, by name of the process."""

    id: str
    reads = True

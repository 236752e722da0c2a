"""Order: dense numbers per key, given once at birth; a fence per sink that lets them through one after the other.

A number is `settled` when its delivery ended (applied, discarded, superseded, skipped, or a work item under `skip`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from engine.ports.store.base import Op


class Birth(NamedTuple):
    """An event of an ordered type being born."""

    type_name: str
    order_key: str
    day: str
    event_id: str


@dataclass(frozen=True)
class OrderNumber(Op[list[int]]):
    """The number of each event within its (type, key), from 1 without holes; the same event keeps its number."""

    births: Sequence[Birth]


@dataclass(frozen=True)
class FenceOpen(Op[None]):
    """A sink becomes ordered: every key's fence starts after the numbers already given. Does nothing twice."""

    fence: str
    type_name: str


@dataclass(frozen=True, slots=True)
class FenceRow:
    """A delivery (or a skip marker) of one number in front of a fence."""

    order_key: str
    number: int
    day: str
    delivery_id: str


@dataclass(frozen=True)
class FenceAdmit(Op[list[Literal["go", "early", "past"]]]):
    """`go`: it is this number's turn (or it is its turn again). `early`: put it into held. `past`: already settled.

    A number that was told `go` is known to be there: while it is tried or waits for a person it is no gap.
    """

    fence: str
    rows: Sequence[FenceRow]


@dataclass(frozen=True, slots=True)
class HeldRow:
    """An early delivery, kept here instead of in the transport."""

    fence: str
    order_key: str
    number: int
    day: str
    delivery_id: str
    lane: str
    headers: str
    body: bytes
    at: int


@dataclass(frozen=True)
class HeldAdd(Op[None]):
    """Keep early ones; the same (fence, key, number) twice is once."""

    rows: Sequence[HeldRow]


@dataclass(frozen=True)
class FenceSettle(Op[list[HeldRow]]):
    """These numbers are settled: the fence moves over every settled number in a row. Answers held rows whose turn came
    (of these keys: the number that is next, and any that is behind the fence by now).

    They stay held until HeldRemove, which follows their publish. Settling a number twice is once.
    """

    fence: str
    numbers: Sequence[tuple[str, int]]  # (order key, number)


@dataclass(frozen=True)
class HeldRemove(Op[None]):
    """They were published again."""

    fence: str
    numbers: Sequence[tuple[str, int]]


@dataclass(frozen=True)
class HeldReady(Op[list[HeldRow]]):
    """Held rows whose turn has come but that were not removed: what a crash left behind."""

    reads = True


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole in front of a fence: `number` is missing, `held` later ones wait since `since` (UTC microseconds)."""

    fence: str
    order_key: str
    number: int
    held: int
    since: int


@dataclass(frozen=True)
class FenceGaps(Op[list[Gap]]):
    """Holes whose oldest held row is older than `before` (UTC microseconds): the next number was never admitted."""

    before: int
    reads = True


@dataclass(frozen=True)
class LatestClaim(Op[list[bool]]):
    """For `ordering: latest`: record (sink, key) -> version. False = superseded: a newer one is recorded.

    The recorded version itself is True again: that is a retry.
    """

    fence: str
    versions: Sequence[tuple[str, int]]

"""Order: dense numbers per key, given once at birth; a fence per sink that lets them through one after the other.

A number is `settled` when its delivery ended (applied, discarded, superseded, skipped, or a work item under `skip`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from engine.ports.store.base import Op


class Birth(NamedTuple):
    """An event of an ordered type being born."""

    type_name: str
    order_key: str
    day: str
    event_id: str


class OrderNumber(Op[list[int]], frozen=True):
    """The number of each event within its (type, key), from 1 without holes; the same event keeps its number."""

    births: Sequence[Birth]


class FenceOpen(Op[None], frozen=True):
    """A sink becomes ordered: every key's fence starts after the numbers already given. Does nothing twice."""

    fence: str
    type_name: str


class FenceRow(Struct, frozen=True):
    """A delivery (or a skip marker) of one number in front of a fence."""

    order_key: str
    number: int
    day: str
    delivery_id: str


class FenceAdmit(Op[list[Literal["go", "early", "past"]]], frozen=True):
    """`go`: it is this number's turn (or it is its turn again). `early`: put it into held. `past`: already settled.

    A number that was told `go` is known to be there: while it is tried or waits for a person it is no gap.
    """

    fence: str
    rows: Sequence[FenceRow]


class HeldRow(Struct, frozen=True):
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


class HeldAdd(Op[None], frozen=True):
    """Keep early ones; the same (fence, key, number) twice is once."""

    rows: Sequence[HeldRow]


class FenceSettle(Op[list[HeldRow]], frozen=True):
    """These numbers are settled: the fence moves over every settled number in a row. Answers held rows whose turn came
    (of these keys: the number that is next, and any that is behind the fence by now).

    They stay held until HeldRemove, which follows their publish. Settling a number twice is once.
    """

    fence: str
    numbers: Sequence[tuple[str, int]]  # (order key, number)


class HeldRemove(Op[None], frozen=True):
    """They were published again."""

    fence: str
    numbers: Sequence[tuple[str, int]]


class HeldReady(Op[list[HeldRow]], frozen=True):
    """Held rows whose turn has come but that were not removed: what a crash left behind."""

    reads = True


class Gap(Struct, frozen=True):
    """A hole in front of a fence: `number` is missing, `held` later ones wait since `since` (UTC microseconds)."""

    fence: str
    order_key: str
    number: int
    held: int
    since: int


class FenceGaps(Op[list[Gap]], frozen=True):
    """Holes whose oldest held row is older than `before` (UTC microseconds): the next number was never admitted."""

    before: int
    reads = True


class LatestClaim(Op[list[bool]], frozen=True):
    """For `ordering: latest`: record (sink, key) -> version. False = superseded: a newer one is recorded.

    The recorded version itself is True again: that is a retry.
    """

    fence: str
    versions: Sequence[tuple[str, int]]

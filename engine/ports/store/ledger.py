"""The ledger: which effect was done for which event. One row per (day, delivery id).

  (no row)            --LedgerClaim--> inflight(token, lease, attempt)
  waiting(n), copy n  --LedgerClaim--> inflight                         an older copy is `stale`
  inflight, lease over --LedgerClaim--> inflight, answered `unknown`    the action's guarantee decides what follows
  inflight(token)     --LedgerSettle--> waiting(n+1) | held | applied | work_item | discarded | superseded
  work_item, held     --LedgerRevive--> waiting(n+1)
  work_item, waiting, held --LedgerClose--> discarded | superseded | applied

An edited delivery stays in the row of its delivery id; `revision` counts the edits. Raising it (LedgerRevive) ends
every earlier revision: their copies are `stale` from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from engine.ports.store.base import Op

State = Literal["inflight", "waiting", "held", "applied", "work_item", "discarded", "superseded"]
FINAL: frozenset[str] = frozenset({"applied", "work_item", "discarded", "superseded"})


class LedgerKey(NamedTuple):
    """(day, delivery id): always the plain delivery id, without the `:rN` of an edited one."""

    day: str
    id: str


class ClaimRow(Struct, frozen=True):
    """What a worker holds: the copy's attempt number and what identifies the effect.

    effect   stable name; `origin`, `guard`, `body` are digests used to tell a duplicate from a conflict
    revision number of an edited delivery, 0 for the first one
    """

    key: LedgerKey
    attempt: int
    route: str
    sink: str
    effect: str
    event_id: str
    origin: str = ""
    guard: str = ""
    body: str = ""
    revision: int = 0
    amount: str = ""
    currency: str = ""


class Claim(Struct, frozen=True):
    """The answer for one ClaimRow.

    claimed    call the sink; nothing was sent before under this claim
    unknown    claimed too, but an earlier try may have had its effect
    busy       somebody holds it; look again in `wait` seconds, no attempt counted
    stale      an older copy (a smaller attempt or revision than the row's): ack it
    final      `state` says how it ended: ack it; `duplicate` when the origin or guard is the same
    conflict   same id, other origin and other guard: a work item `idempotency-conflict`
    `result` is what was recorded with the state (the response of a call, for one), also by what set it to wait.
    `attempt` is the row's afterwards.
    `same_body` is False when the row was claimed first with another body: the first one is the only one ever sent.
    """

    verdict: Literal["claimed", "unknown", "busy", "stale", "final", "conflict"]
    state: str = ""
    attempt: int = 0
    wait: float = 0.0
    result: bytes = b""
    same_body: bool = True


class LedgerClaim(Op[list[Claim]], frozen=True):
    """Claim many; durable when it answers. `lease` is how long (seconds) from `now` (UTC microseconds).

    Looked at in this order: `conflict` (other origin, and no equal guard), final state, older copy, valid lease
    (also of the same token), expired lease, and then a row that waits or is held: claimed.
    A row twice in one batch is answered twice, the second time as `busy`.
    """

    rows: Sequence[ClaimRow]
    token: str
    now: int
    lease: float


class SettleRow(Struct, frozen=True):
    """How a claimed one ended. `attempt` is the next copy's number for `waiting`."""

    key: LedgerKey
    state: State
    attempt: int = 0
    result: bytes = b""
    reason: str = ""


class LedgerSettle(Op[list[bool]], frozen=True):
    """Move rows out of `inflight`; False where the token no longer owns the row (nothing is changed there).

    An expired lease that nobody else took is still owned: what is known is written down.
    """

    rows: Sequence[SettleRow]
    token: str
    now: int
    required: bool = False


class LedgerRevive(Op[int], frozen=True):
    """`work_item` (or `held`) becomes `waiting`; answers the attempt number of the copy to publish, 0 if refused.

    `revision`: number of the edit the copy carries. A higher one than the row's makes the row forget the digest of the
    body it was claimed with, and every earlier revision is over; a lower one is refused.
    """

    key: LedgerKey
    now: int
    revision: int = 0
    required: bool = False


class LedgerClose(Op[bool], frozen=True):
    """`work_item`, `waiting` or `held` becomes `discarded`, `superseded` or `applied` by a person's decision.

    False when there is no such row or it is in another state. Raises ValueError for another target state.
    """

    key: LedgerKey
    state: State
    reason: str
    now: int
    required: bool = False


class LedgerRow(Struct, frozen=True):
    """A row as it is stored. Times are UTC microseconds."""

    key: LedgerKey
    state: State
    attempt: int
    route: str
    sink: str
    effect: str
    event_id: str
    origin: str
    guard: str
    body: str
    revision: int
    token: str
    lease_until: int
    result: bytes
    reason: str
    amount: str
    currency: str
    at: int


class LedgerFind(Op[dict[LedgerKey, LedgerRow]], frozen=True):
    """Rows by key."""

    keys: Sequence[LedgerKey]
    reads = True


class LedgerOfEvent(Op[list[LedgerRow]], frozen=True):
    """All effects of one event."""

    event_id: str
    reads = True

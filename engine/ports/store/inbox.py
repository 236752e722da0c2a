"""The inbox: which outcome a financial (or `route_once`) route gave an event. One row per (route, event).

(no row) --InboxOpen--> open --InboxRouted--> routed
(no row) --InboxOpen(filtered | work_item)--> routed                 nothing is to be published
routed(work_item) --InboxReplay--> open without a Plan, replay+1     the current Plan decides again
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from engine.ports.store.base import Op

OutcomeKind = Literal["deliveries", "filtered", "work_item", "step_state"]


class EventKey(NamedTuple):
    """Stored keys are (day, id), so that retention can drop whole days."""

    day: str
    id: str


class Planned(NamedTuple):
    """One delivery an outcome consists of. `via` is `lane` or `bus` (published by the router itself)."""

    sink: str
    day: str
    delivery_id: str
    via: Literal["lane", "bus"]


class InboxRow(Struct, frozen=True):
    """The outcome of one event in one route.

    plan      digest of the Plan that decided; empty after a replay was asked for
    replay    how often a person had it routed again; copies with a smaller number are old
    reason    of `filtered` and `work_item`
    segment   what the event entered; not empty for a continuation (of a group or a delay): such a row was not received
              from outside and completeness counts it through the events it continues
    caught    JSON: what could not be asked and was caught, by the run of the `try`; decided again it is caught again
    state     `open` until all confirms are in; `filtered` and `work_item` rows are stored as `routed`
    amount    exact decimal text, currency ISO code; empty where the type has none
    """

    route: str
    key: EventKey
    plan: str
    kind: OutcomeKind
    planned: tuple[Planned, ...] = ()
    reason: str = ""
    replay: int = 0
    state: Literal["open", "routed"] = "open"
    origin: str = ""
    guard: str = ""
    body: str = ""
    amount: str = ""
    currency: str = ""
    at: int = 0
    segment: str = ""
    caught: str = ""


class InboxFind(Op[dict[EventKey, InboxRow]], frozen=True):
    """The rows of these events in one route."""

    route: str
    keys: Sequence[EventKey]
    reads = True


class InboxOpen(Op[list[InboxRow | None]], frozen=True):
    """Insert rows; per row None when it was inserted, else the row that is already there and stays.

    A row there with an empty plan and the same replay number is replaced (that is a replay being decided).
    """

    rows: Sequence[InboxRow]


class InboxRouted(Op[None], frozen=True):
    """All confirms are in: `open` becomes `routed`."""

    route: str
    keys: Sequence[EventKey]


class InboxReplay(Op[int], frozen=True):
    """Raise the replay number, clear the plan, state `open`. Answers the new number.

    0 when there is no row, or when its kind is not `work_item` (something of it may have been published). With `unsent`
    the caller says that nothing of its deliveries left: their row is decided anew too.
    With `keep_plan` a row of any kind is opened again under the Plan it has: for publishing the same outcome again.
    """

    route: str
    key: EventKey
    keep_plan: bool = False
    required: bool = False
    unsent: bool = False

    @property
    def kinds(self) -> tuple[OutcomeKind, ...]:
        """Kinds of the rows that are decided anew."""
        return ("work_item", "deliveries") if self.unsent else ("work_item",)


class InboxDuplicates(Op[None], frozen=True):
    """Count copies that were absorbed, per event."""

    route: str
    keys: Sequence[EventKey]


class InboxPlansInUse(Op[set[str]], frozen=True):
    """Digests of Plans that a row names: their revisions must be kept, an outcome may have to be published again."""

    reads = True

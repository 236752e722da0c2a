"""One event in the hands of a router, and what is known of it so far."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from msgspec import structs

from engine.compile.plan import Plan, Segment
from engine.core.errors import Failure, Permanent
from engine.core.event import Event, split_type
from engine.core.jsonx import decode, encode
from engine.core.outcome import Failed, Outcome
from engine.ports.store.inbox import EventKey, InboxRow, OutcomeKind
from engine.ports.transport import Receipt
from engine.runtime.carrying.codec import Routed
from engine.runtime.delivery.retry import Decision
from engine.runtime.plans import Plans
from engine.runtime.router.outcomes import Made

# Rows of these kinds are `routed` from the beginning, so what has to be published for them is published first.
DONE_AT_ONCE = ("filtered", "work_item")

Judgement = Literal["decide", "repeat", "duplicate", "old", "conflict"]


@dataclass(slots=True, eq=False)
class Routing:
    """From a Receipt to what follows from it.

    plan, segment   who decides, and what the event enters
    row             the inbox row that is there and has to be repeated, if any
    seen            there is a row for it, as far as we know; nobody may take it for new
    absorbed        why nothing follows from this copy; empty otherwise
    outcome, made   what the steps gave, and what it consists of
    failed          why it cannot go on; a work item
    again           it is tried again later instead
    key             of its inbox row
    unplaced        no Plan may decide it: its scope is not known
    elsewhere       the route is one of a region it does not belong to
    """

    routed: Routed
    receipt: Receipt | None = None
    plan: Plan | None = None
    segment: Segment | None = None
    row: InboxRow | None = None
    seen: bool = False
    absorbed: str = ""
    conflict: bool = False
    outcome: Outcome | None = None
    made: Made = field(default_factory=Made)
    failed: Failed | None = None
    again: Decision | None = None
    unplaced: bool = False
    elsewhere: bool = False
    event: Event = field(init=False)
    key: EventKey = field(init=False)

    def __post_init__(self) -> None:
        self.event = self.routed.event
        self.key = EventKey(self.event.day, self.routed.row or self.event.id)

    def placed(self, scope: str, country: str) -> None:
        """Its scope is known: everything made of it carries that on."""
        self.event = replace(self.event, region=country) if self.event.region != country else self.event
        self.routed = structs.replace(self.routed, event=self.event, scope=scope)

    @property
    def has_inbox(self) -> bool:
        return self.plan is not None and self.plan.has_inbox

    @property
    def kind(self) -> OutcomeKind:
        """What the inbox calls this outcome."""
        if self.failed is not None or self.outcome is None:
            return "work_item"
        if self.outcome.kept:
            return "step_state"
        return "filtered" if self.outcome.filtered is not None else "deliveries"

    @property
    def numbered(self) -> bool:
        """It publishes an event of an ordered type: numbers are given before its row is written."""
        return any(type_.order_by is not None for _, type_, _ in self.made.born)

    @property
    def copies(self) -> bool:
        """This is a copy somebody sent, not one the transport may have handed out before, nor one of a replay."""
        return self.receipt is not None and not self.receipt.redelivered and not self.ours

    @property
    def ours(self) -> bool:
        """A replay published it, perhaps twice: at a start nobody knows whether the copy before arrived."""
        return self.routed.replay > 0

    def caught_before(self) -> Mapping[str, Any] | None:
        """What could not be asked when this event was decided; None when it was not decided yet."""
        if self.row is None:
            return None
        return decode(self.row.caught) if self.row.caught else {}

    def caught_now(self) -> str:
        """The same for the row: by the run of the `try` that caught it."""
        notes = self.outcome.notes if self.outcome is not None else ()
        found = {note.place: note.facts for note in notes if note.place}
        return encode(found).decode() if found else ""

    def body_digest(self) -> str:
        """Digest of the data as it was carried, to tell whether two copies look the same."""
        if self.routed.blob:
            return self.routed.blob[:32]
        raw = self.receipt.body if self.receipt is not None else encode(self.event.data)
        return hashlib.sha256(raw).hexdigest()[:32]


def judge(row: InboxRow, case: Routing) -> Judgement:
    """What a copy means when its event has an inbox row already.

    old        it belongs to a replay that is over
    conflict   another record with the same key: nothing says they are the same
    duplicate  the event has its outcome, or its first copy is on its way to it
    decide     a replay was asked for: the current Plan decides
    repeat     the outcome was written down and perhaps not all published: the recorded Plan says it again
    """
    routed = case.routed
    if routed.replay < row.replay:
        return "old"
    same_origin = row.origin == routed.event.origin
    if not same_origin and not routed.segment and not (row.guard and row.guard == routed.event.guard):
        return "conflict"
    if row.state == "routed":
        return "duplicate"
    if not row.plan:
        return "decide"
    return "repeat" if same_origin or routed.segment else "duplicate"


def not_accepted(case: Routing, plans: Plans) -> Failure | None:
    """Why a subscriber cannot take this event: another type, or a version it does not know."""
    wanted = case.plan.source.event if case.plan is not None else ""
    if not wanted or case.routed.segment or case.event.type == wanted:
        return None
    name, version = split_type(case.event.type)
    wanted_name, wanted_version = split_type(wanted)
    if name != wanted_name:
        return Permanent("wrong-type", f"the route takes {wanted}, this is {case.event.type}")
    type_ = plans.type(case.event.type)
    if type_ is None:
        return Permanent("unknown-version", f"there is no schema {case.event.type}; the route takes {wanted}")
    if version > wanted_version >= type_.compatible_with > 0:
        return None
    return Permanent(
        "unsupported-version",
        f"the route takes {wanted}; {case.event.type} does not say that it is compatible with it",
    )


def changed(case: Routing) -> str:
    """How the outcome differs from the one that was written down; empty when it is the same."""
    row = case.row
    if row is None:
        return ""
    if case.failed is not None:
        return f"it fails now: {case.failed.failure.reason}"
    if case.kind != row.kind:
        return f"it was `{row.kind}` and is `{case.kind}` now"
    before, now = set(row.planned), set(case.made.planned)
    if before == now:
        return ""
    gone = ", ".join(sorted({planned.sink for planned in before - now})) or "none"
    added = ", ".join(sorted({planned.sink for planned in now - before})) or "none"
    return f"other deliveries; before: {gone}; now: {added}"

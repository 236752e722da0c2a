"""What a person decides about a work item: replay it, as it is or edited, resolve it, or discard it.

A replay enters again where the item's level says:

  record    the raw record enters ingress again; the item closes when it is in
  event     one transaction closes the item and raises the inbox row's replay number, then the event is published to the
            route; copies with an older number are absorbed
  delivery  one transaction closes the item and sets the ledger from `work_item` to `waiting(n+1)`, then copy n+1 is
            published to the sink's lane; an edited one is `:rN`, only allowed while the effect is known not to be there

What a crash leaves between a transaction and its publish is published at the next start (see `recovery`). Refusals are
Permanent failures that say why and what to do instead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from engine.compile.plan import Plan, PlannedSink
from engine.core.errors import Failure, Fenced, Permanent
from engine.core.jsonx import decode
from engine.core.quoting import excerpt
from engine.plugins.contracts import ConnectorContext, SinkItem
from engine.ports.store import Op
from engine.ports.store.audit import AuditAppend, AuditRow
from engine.ports.store.inbox import EventKey, InboxFind, InboxReplay, InboxRow
from engine.ports.store.journal import Entry, JournalAppend
from engine.ports.store.ledger import LedgerClose, LedgerFind, LedgerKey, LedgerOfEvent, LedgerRevive, LedgerRow
from engine.ports.store.work import WorkChange, WorkCreate, WorkItem
from engine.runtime.carrying.codec import WAITS, Delivery, Routed, read_headers
from engine.runtime.carrying.handover import publish
from engine.runtime.cell import Cell
from engine.runtime.delivery import order
from engine.runtime.delivery.pool import Pool
from engine.runtime.people.decided import target_of
from engine.runtime.people.figures import GAP, MISSING, gap_of
from engine.runtime.people.work import MAYBE_APPLIED, OUTCOME_CHANGED, record_again
from engine.runtime.plans import Plans

LATEST = 60.0  # seconds from an outcome being written down until all of it is published, at the latest

Reenter = Callable[[WorkItem], Awaitable[int | Failure]]  # ingress takes it in again: how many records, or why not


@dataclass(frozen=True, slots=True)
class Who:
    """Who decides, and why. Both are required of every change and stand in the audit."""

    actor: str
    reason: str

    def __post_init__(self) -> None:
        if not self.actor.strip() or not self.reason.strip():
            raise Permanent("no-reason", "every change names who makes it and why")


class Decisions:
    """Carries out decisions about work items."""

    def __init__(self, cell: Cell, plans: Plans, pool: Pool, reenter: Reenter) -> None:
        self._cell = cell
        self._plans = plans
        self._pool = pool
        self._reenter = reenter

    async def replay(self, item: WorkItem, who: Who) -> str:
        """Have it tried again. Answers a sentence. Raises Permanent with the reason of a refusal, StoreDown."""
        must_be_open(item)
        again = {"record": self._replay_record, "event": self._replay_event, "delivery": self._replay_delivery}
        told = await again[item.level](item, who)
        if item.level != "delivery":  # the queue of a route that is gone and was finished: somebody must consume it
            self._plans.recall(item.route)
        return told

    async def close(self, item: WorkItem, how: str, who: Who) -> str:
        """`resolved` (fixed elsewhere: it counts as applied) or `discarded`. The key of an ordered sink goes on."""
        must_be_open(item)
        key = LedgerKey(item.day, item.subject)
        ops = self._ops(item, "resolved" if how == "resolved" else "discarded", how, who)
        if item.level == "delivery":
            row = await self._row(key)
            if row is not None and row.state in ("work_item", "waiting", "held"):
                state: Any = "applied" if how == "resolved" else "discarded"
                ops.append(LedgerClose(key, state, f"{how}: {who.reason}", self._cell.clock.now(), required=True))
        await self.apply(ops)
        for fence, order_key, number in self._numbers(item):
            await order.settled(self._cell, fence, [(order_key, number)])
        return f"{item.id} is {how}"

    async def _replay_record(self, item: WorkItem, who: Who) -> str:
        gave = await self._reenter(item)
        if isinstance(gave, Failure):
            if isinstance(gave, Permanent):  # what the transport did not take now was not tried
                await self.apply(self._failed_again(item, gave, who))
            raise Permanent(gave.reason, f"it fails again: {gave.detail}", data=gave.data)
        await self.apply(self._ops(item, "replayed", "replay", who))
        return f"the record of {item.id} was taken in again: {_counted(item, gave)}"

    def _failed_again(self, item: WorkItem, failure: Failure, who: Who) -> list[Op[Any]]:
        """It stays open, with what is wrong with it now; the try is counted and has its line in the story."""
        now = self._cell.clock.now()
        ops = self._ops(item, "open", "replay", who)
        tried = record_again(item, failure, now)
        line = self._line(tried, "work-item", f"failed again: {failure}", now)
        return [*ops, WorkCreate([tried]), JournalAppend([replace(line, attempt=tried.attempts)])]

    async def _replay_event(self, item: WorkItem, who: Who) -> str:
        if item.reason in (MISSING, "idempotency-conflict"):
            raise Permanent("cannot-replay", _INSTEAD[item.reason])
        routed = Routed.read(read_headers(item.headers), item.body)
        if routed.kept == WAITS:
            text = "the group goes on by itself once the blob is there; then resolve this item"
            raise Permanent("cannot-replay", text)
        if self._plans.current(item.route) is None:
            raise Permanent("route-gone", f"there is no route `{item.route}` any more; resolve or discard the item")
        key = EventKey(item.day, routed.row or routed.event.id)
        row = (await self._cell.store.apply(InboxFind(item.route, [key]))).get(key)
        fresh = replace(routed, attempt=1, since=0)
        ops = self._ops(item, "replayed", "replay", who) + await self._calls_again(item)
        if row is None:  # a route without an inbox: the event is durable in its queue before the item closes
            await publish(self._cell, [replace(fresh, replay=routed.replay + 1).outgoing(item.route)])
            await self.apply(ops)
        else:
            anew = row.kind == "deliveries" and item.reason == OUTCOME_CHANGED
            if anew:
                await self._must_not_have_left(row)
            keep = row.kind != "work_item" and not anew
            ops.insert(0, InboxReplay(item.route, key, keep_plan=keep, unsent=anew, required=True))
            number = (await self.apply(ops))[0]
            await publish(self._cell, [replace(fresh, replay=number).outgoing(item.route)])
        return f"event {routed.event.id} is on its way through `{item.route}` again"

    async def _must_not_have_left(self, row: InboxRow) -> None:
        """Another outcome may only take the place of one of which nothing was delivered, or still waits in a lane.

        Events it published itself are known by their ids: they are absorbed when they are published again.
        """
        planned = {LedgerKey(one.day, one.delivery_id): one.sink for one in row.planned if one.via == "lane"}
        if not planned:
            return
        for key, found in (await self._cell.store.apply(LedgerFind(list(planned)))).items():
            text = f"`{planned[key]}` has it already ({found.state}); resolve this item, and correct it by a new event"
            raise Permanent("cannot-replay", text)
        age = max(0.0, (self._cell.clock.now() - row.at) / 1_000_000 - LATEST)
        depths = await self._cell.transport.depths()
        if lanes := sorted(one.name for one, depth in depths.items() if one.kind != "route" and depth.oldest > age):
            text = f"what was published before may still wait in {', '.join(lanes)}; replay it when that has moved on"
            raise Permanent("cannot-replay", text)

    async def _calls_again(self, item: WorkItem) -> list[Op[Any]]:
        """Calls of the event whose outcome nobody knew: whoever replays it wants them done."""
        plan = self._plans.current(item.route)
        rows = await self._cell.store.apply(LedgerOfEvent(item.event_id))
        return [
            LedgerRevive(row.key, self._cell.clock.now(), row.revision)
            for row in rows
            if row.state == "work_item" and row.route == item.route and plan is not None and plan.sink(row.sink) is None
        ]

    async def _replay_delivery(self, item: WorkItem, who: Who) -> str:
        if item.reason in _INSTEAD:
            raise Permanent("cannot-replay", _INSTEAD[item.reason])
        delivery = Delivery.read(read_headers(item.headers), item.body)
        sink = self._sink(item, delivery)
        row = await self._row(LedgerKey(delivery.day, delivery.id))
        if row is None or row.state != "work_item":
            state = row.state.replace("_", " ") if row is not None else "unknown"
            raise Permanent("not-waiting", f"the ledger says this delivery is {state}; resolve or discard the item")
        edited = item.edits > delivery.edits
        if edited and maybe_applied(item):
            await self._must_not_be_there(sink, delivery)
        revision = item.edits if edited else delivery.edits
        now = self._cell.clock.now()
        ops = [LedgerRevive(row.key, now, revision, required=True), *self._ops(item, "replayed", "replay", who)]
        attempt = (await self.apply(ops))[0]
        copy = replace(delivery, attempt=attempt, edits=revision, since=0, due=0)
        await publish(self._cell, [copy.outgoing(sink.lane)])
        return f"delivery {copy.key} is on its way to `{sink.id}` again"

    async def _must_not_be_there(self, sink: PlannedSink, delivery: Delivery) -> None:
        """An edited delivery has another key: it may only be sent while the first one is known not to be applied."""
        text = "it may have been applied already; look there, then resolve it, or replay it without the edit"
        connection = self._plans.connection(sink.call.connection) if sink.call is not None else None
        if sink.guarantee != "verify" or sink.call is None or connection is None:
            raise Permanent("maybe-applied", text)
        item = SinkItem(delivery.key, delivery.body, sink.call.action, delivery.event.id, maybe_applied=True)
        context = ConnectorContext(self._cell.clock, self._cell.log, timeout=sink.timeout)
        async with self._pool.sink(connection, sink.call.use) as asked:
            if await asked.verify(item, context):
                raise Permanent("applied", "the system says it is there; resolve the item")

    def _sink(self, item: WorkItem, delivery: Delivery) -> PlannedSink:
        plan = self._plans.current(item.route)
        sink = plan.receiver(item.sink, delivery.effect, delivery.does) if plan is not None else None
        if sink is None:
            gone = f"route `{item.route}` has no sink `{item.sink}` any more"
            raise Permanent("sink-gone", f"{gone}; put it back, or resolve or discard the item")
        return sink

    async def _row(self, key: LedgerKey) -> LedgerRow | None:
        return (await self._cell.store.apply(LedgerFind([key]))).get(key)

    def _numbers(self, item: WorkItem) -> list[tuple[str, str, int]]:
        """Numbers that are settled once the item is closed for good."""
        if item.reason == GAP:
            return [gap_of(item)]
        headers = read_headers(item.headers)
        number, key = int(headers.get("tf-order_no", 0)), str(headers.get("tf-order_key", ""))
        plan: Plan | None = self._plans.current(item.route)
        if not number or plan is None or item.reason in ("idempotency-conflict", MISSING) or item.level == "record":
            return []
        fenced = [sink.id for sink in plan.sinks if order.is_fenced(sink) and item.sink in ("", sink.id)]
        return [(order.fence_name(item.route, sink), key, number) for sink in fenced]

    def _ops(self, item: WorkItem, state: Any, action: str, who: Who) -> list[Op[Any]]:
        """What every decision writes: the item's state, the audit row, a line in the journal."""
        now = self._cell.clock.now()
        note = f"{action} by {who.actor}: {who.reason}"  # see REPLAYED_BY
        ops: list[Op[Any]] = [WorkChange(item.id, item.version, state, note, now)]
        ops.append(AuditAppend(audit_row(item, f"work.{action}", who, now, before=item.state, after=state)))
        if item.event_id or action == "replay":
            ops.append(JournalAppend([self._line(item, "replayed" if action == "replay" else state, note, now)]))
        return ops

    def _line(self, item: WorkItem, what: str, note: str, now: int) -> Entry:
        return Entry(
            at=now,
            day=item.day,
            event_id=item.event_id or item.subject,
            trace=item.root,
            route=item.route,
            what=what,
            sink=item.sink,
            attempt=item.attempts + 1 if what == "replayed" else 0,
            detail=excerpt(note),
            revision=self._plans.revision,
            event_type=item.event_type,
            keys={} if item.event_id else decode(item.search),  # a record is found by its carrier
        )

    async def apply(self, ops: list[Op[Any]]) -> list[Any]:
        """All of these or none. Raises Permanent `changed-meanwhile` when the item is not what it was."""
        try:
            return await self._cell.store.apply_all(*ops)
        except Fenced:
            text = "the item or its delivery was changed meanwhile; look at it again"
            raise Permanent("changed-meanwhile", text) from None


_INSTEAD = {
    GAP: "there is nothing to send: resolve it to let the later ones go on, or have the source send the missing one",
    MISSING: "the event itself is not kept here; have its source send it again, it is absorbed where it was applied",
    "idempotency-conflict": "the first one with this key stays; discard this one, or correct it with a new event",
    "unreadable": "this is no delivery; discard it",
}


def _counted(item: WorkItem, records: int) -> str:
    """What it gave; where that is not the one record the item is about, that is said."""
    if int(read_headers(item.headers).get("tf-number", 0)) < 0:
        return f"{records} {'record' if records == 1 else 'records'} of the whole document"
    return "1 record" if records == 1 else f"{records} records in the place of one; `tillflow trace` shows each"


def must_be_open(item: WorkItem) -> None:
    """Raises Permanent `not-open`, which says where to look."""
    if item.state != "open":
        where = f"`tillflow work show {item.id}` says who decided it, `tillflow trace {item.id}` what became of it"
        raise Permanent("not-open", f"{item.id} is {item.state}; {where}")


def maybe_applied(item: WorkItem) -> bool:
    """Its effect may be there."""
    return bool(decode(item.data).get(MAYBE_APPLIED))


def audit_row(item: WorkItem, action: str, who: Who, now: int, *, before: str = "", after: str = "") -> AuditRow:
    """An audit row about one work item."""
    return AuditRow(now, who.actor, action, target_of(item), who.reason, before, after)

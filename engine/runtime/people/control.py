"""The verbs of the CLI and the console: what there is, what happened, and what a person decides. Plain values only.

Every answer is a dict of JSON values. Every change names its actor and reason and leaves an audit row. Refusals are
Permanent failures; nothing here prints, and private values are hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import asdict

from engine.core.clock import iso
from engine.core.errors import Failure, Permanent
from engine.core.ids import digest
from engine.core.jsonx import decode
from engine.ports.store.audit import AuditAppend, AuditList, AuditVerify
from engine.ports.store.journal import Entry, JournalFind
from engine.ports.store.ledger import LedgerOfEvent
from engine.ports.store.work import WorkEdit, WorkFind, WorkItem, WorkState
from engine.ports.store.workers import WorkersSince
from engine.runtime.carrying.codec import read_headers
from engine.runtime.cell import Cell
from engine.runtime.delivery.lanes import LaneState
from engine.runtime.delivery.pool import Pool
from engine.runtime.heartbeat import LIVE
from engine.runtime.people import advice, figures
from engine.runtime.people.answers import (
    Answer,
    effect_answer,
    line_answer,
    route_answer,
)
from engine.runtime.people.decided import decisions
from engine.runtime.people.editing import edited_body, event_of, shown_body
from engine.runtime.people.items import STATES, Items
from engine.runtime.people.journal import carried_name
from engine.runtime.people.maker import made_by
from engine.runtime.people.replay import Decisions, Reenter, Who, audit_row, must_be_open
from engine.runtime.people.searching import Wanted, entries_of, of_item, unknown_key
from engine.runtime.people.shown import hide
from engine.runtime.people.status import Standing
from engine.runtime.people.undecided import missing
from engine.runtime.plans import Plans

MOST_TRACED = 200  # events of one trace whose ledger rows are looked up


class Control:
    """Everything a person may ask of a running engine, or of a stopped one's Store.

    reenter  takes a raw record into ingress again
    lanes    what the lanes do now; nothing on a stopped engine
    problems what should run and does not, by `kind/name`, and why
    state    of the engine; `new` where none runs here
    counted  (route, sink, outcome) -> how many, by this process since it was started
    unfit    why an edit must not be kept in place of a record: none is in it
    """

    def __init__(
        self,
        cell: Cell,
        plans: Plans,
        pool: Pool,
        reenter: Reenter,
        lanes: Callable[[], Sequence[LaneState]] = tuple,
        problems: Callable[[], dict[str, str]] = dict,
        state: Callable[[], str] = lambda: "new",
        counted: Callable[[], Mapping[tuple[str, str, str], int]] = dict,
        unfit: Callable[[WorkItem, bytes], Failure | None] = lambda item, edited: None,
    ) -> None:
        self._cell = cell
        self._plans = plans
        self._lanes = lanes
        self._state = state
        self._counted = counted
        self._unfit = unfit
        self._standing = Standing(cell, plans, pool, problems, state)
        self._items = Items(cell, plans)
        self._decisions = Decisions(cell, plans, pool, reenter)

    # --- looking ------------------------------------------------------------------------------------------------------

    async def status(self) -> Answer:
        """Routes with their figures, lanes, connections, queues and open work items. What the Store knows is empty
        while a running engine cannot reach it; `state` and `problems` say so.
        """
        remembered = await self._standing.remembered()
        queues = await self._standing.queues()
        return {
            "state": self._state(),
            "revision": self._plans.revision,
            "routes": [route_answer(plan) for plan in self._plans.all()],
            "lanes": [asdict(state) for state in self._lanes()],
            "problems": self._standing.problems(),
            "connections": self._standing.connections(),
            "queues": queues,
            "plain": self._plain(),
            **remembered,
        }

    def _plain(self) -> list[Answer]:
        """Routes of whose events no row is kept, with what this process counted of them; the sinks of one are added up."""
        routes = {plan.route: dict[str, int]() for plan in self._plans.all() if not plan.has_inbox}
        for (route, _, outcome), count in self._counted().items():
            if route in routes:
                routes[route][outcome] = routes[route].get(outcome, 0) + count
        return [{"route": route, "outcomes": outcomes} for route, outcomes in routes.items()]

    async def live(self) -> bool:
        """Whether engines work on this Store, here or elsewhere. An embedded one does not say."""
        now = self._cell.clock.now()
        found = await self._cell.store.apply(WorkersSince(now - round(LIVE * 1_000_000)))
        return bool(found)

    async def figures(self, route: str = "", since: str = "", until: str = "") -> Answer:
        """Completeness of routes and sinks, for business days in [since, until]."""
        found = await figures.completeness(self._cell, route, since, until)
        lost = await missing(self._cell, self._plans, route)
        return {"figures": found, "missing": lost, "balanced": not lost and all(one["balanced"] for one in found)}

    async def health(self) -> Answer:
        """Whether sources, tables and lanes work, the Store answers and the audit chain is whole."""
        problems = [f"{one['part']}: {one['why']}" for one in self._standing.problems()]
        broken = await self._cell.store.apply(AuditVerify())
        if broken:
            problems.append(f"the audit chain does not fit at row {broken}")
        return {"healthy": not problems, "problems": problems, "connections": self._standing.connections()}

    async def trace(self, text: str, name: str = "", more: Sequence[Wanted] = ()) -> Answer:
        """What happened to everything that a key, an event, trace or work item id (or their beginnings) names.

        more   further keys (name, value); all must hold. `unknown` says of a key that nothing can be found by it.
        """
        wanted = [(carried_name(key, value), value) for key, value in ((name, text), *more)]
        found = await entries_of(self._cell, wanted)
        own = None
        if not found and wanted == [("", text)]:
            found, own = await of_item(self._cell, text)
        entries = await self._followed(found)
        events = list(dict.fromkeys(entry.event_id for entry in entries))[:MOST_TRACED]
        ledger = [row for event in events for row in await self._cell.store.apply(LedgerOfEvent(event))]
        items = [item for event in events for item in await self._cell.store.apply(WorkFind(STATES, text=event))]
        items += [own] if own is not None else []
        items += await self._items.holding(wanted)
        unique = {item.id: item for item in items}
        told = [why for key, _ in wanted if (why := unknown_key(key, self._plans))] if not entries and not items else []
        return {
            "entries": [line_answer(entry) for entry in entries],
            "effects": [effect_answer(row) for row in ledger],
            "work": [self._items.answer(item) for item in unique.values()],
            **({"unknown": told[0]} if told else {}),
        }

    async def audit(self, limit: int = 100) -> Answer:
        """The newest changes."""
        rows = await self._cell.store.apply(AuditList(limit))
        return {"rows": [{**asdict(row), "at": iso(row.at)} for row in rows]}

    async def work_list(
        self,
        states: Sequence[WorkState] = ("open",),
        route: str = "",
        reason: str = "",
        owner: str = "",
        text: str = "",
        limit: int = 100,
        offset: int = 0,
        name: str = "",
    ) -> Answer:
        """Work items, newest first. `text`: a key value, an item id or an event id; with `name` a value of that key."""
        find, name = WorkFind(states, route, reason, owner, text, limit, offset), carried_name(name, text)
        items = await (self._items.named(find, name) if name else self._cell.store.apply(find))
        if text and not items:
            items = await self._items.by_key(find, name)
        return {"items": [self._items.answer(item) for item in items]}

    async def work_show(self, id: str) -> Answer:
        """One item with its body as people may see it."""
        item = await self._items.one(id)
        event, made = event_of(item), await made_by(self._cell, item)
        return {
            **self._items.answer(item),
            "made_by": made,
            "data": decode(item.data),
            "headers": {name: hide(value, ()) for name, value in read_headers(item.headers).items()},
            "body": shown_body(item, self._plans),
            "note": item.note,
            "decisions": await decisions(self._cell, item),
            "takes": advice.takes(item, self._plans),
            "help": advice.helps(item, self._plans, made),
            "order": {"key": event.order_key, "number": event.order_no} if event is not None and event.order_no else {},
        }

    # --- deciding -----------------------------------------------------------------------------------------------------

    async def work_edit(self, id: str, body: Any, actor: str, reason: str) -> Answer:
        """Replace what will be replayed. Values left as they were shown stay what they are.

        body   for a record its text; else the whole JSON document. Raises Permanent when it cannot be.
        """
        item, who = await self._items.one(id), Who(actor, reason)
        must_be_open(item)
        content = edited_body(item, body, self._plans, self._cell.clock)
        if item.level == "record" and (unfit := self._unfit(item, content)):
            raise Permanent("bad-edit", unfit.detail)
        now = self._cell.clock.now()
        note = f"edited by {actor}: {reason}"
        edit = WorkEdit(item.id, item.version, item.headers, content, note, now, required=True)
        before, after = digest("body", item.body), digest("body", content)
        row = audit_row(item, "work.edit", who, now, before=before, after=after)
        await self._decisions.apply([edit, AuditAppend(row)])
        return await self.work_show(item.id)

    async def work_replay(self, id: str, actor: str, reason: str) -> Answer:
        """Have it tried again, as it is or as it was edited."""
        item = await self._items.one(id)
        return {"id": item.id, "text": await self._decisions.replay(item, Who(actor, reason))}

    async def work_resolve(self, id: str, actor: str, reason: str) -> Answer:
        """It was put right elsewhere."""
        item = await self._items.one(id)
        return {"id": item.id, "text": await self._decisions.close(item, "resolved", Who(actor, reason))}

    async def work_discard(self, id: str, actor: str, reason: str) -> Answer:
        """It is not wanted."""
        item = await self._items.one(id)
        return {"id": item.id, "text": await self._decisions.close(item, "discarded", Who(actor, reason))}

    # --- finding ------------------------------------------------------------------------------------------------------

    async def _followed(self, entries: Sequence[Entry]) -> list[Entry]:
        """These and the stories of the events that go on from groups they are in."""
        known = {(entry.at, entry.event_id, entry.what, entry.sink, entry.detail): entry for entry in entries}
        asked: set[str] = set()
        ahead = set(map(_goes_on_as, entries)) - {""}
        while ahead and len(asked) < MOST_TRACED:
            asked |= ahead
            more = [entry for own in sorted(ahead) for entry in await self._cell.store.apply(JournalFind(own))]
            known |= {(entry.at, entry.event_id, entry.what, entry.sink, entry.detail): entry for entry in more}
            ahead = set(map(_goes_on_as, more)) - {""} - asked
        return sorted(known.values(), key=lambda entry: entry.at)


def _goes_on_as(entry: Entry) -> str:
    """Id of the event that goes on from the group this one is in; empty where there is none."""
    return entry.detail.removeprefix("as ") if entry.what == "continued" and entry.detail.startswith("as ") else ""

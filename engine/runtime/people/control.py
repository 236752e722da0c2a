"""The verbs of the CLI and the console: what there is, what happened, and what a person decides. Plain values only.

Every answer is a dict of JSON values. Every change names its actor and reason and leaves an audit row. Refusals are
Permanent failures; nothing here prints, and private values are hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from engine.core.clock import iso
from engine.core.errors import Permanent, StoreDown
from engine.core.ids import digest
from engine.core.jsonx import decode
from engine.ports.store.audit import AuditAppend, AuditList, AuditVerify
from engine.ports.store.journal import Entry, JournalFind
from engine.ports.store.ledger import LedgerOfEvent
from engine.ports.store.work import RecordsRefused, WorkCount, WorkEdit, WorkFind, WorkGet, WorkItem, WorkState
from engine.ports.store.workers import WorkersSince
from engine.runtime.carrying.codec import read_headers
from engine.runtime.cell import Cell
from engine.runtime.delivery.lanes import LaneState
from engine.runtime.delivery.pool import Pool
from engine.runtime.heartbeat import LIVE
from engine.runtime.ingress.identity import search_keys
from engine.runtime.people import figures
from engine.runtime.people.answers import (
    Answer,
    effect_answer,
    item_answer,
    line_answer,
    named_keys,
    route_answer,
    worker_answer,
)
from engine.runtime.people.editing import edited_body, event_of, shown_body
from engine.runtime.people.hiding import hidden_text
from engine.runtime.people.promised import promises
from engine.runtime.people.replay import Decisions, Reenter, Who, audit_row
from engine.runtime.people.shown import hide
from engine.runtime.plans import Plans

MOST_TRACED = 200  # events of one trace whose ledger rows are looked up
_STATES: tuple[WorkState, ...] = ("open", "replayed", "resolved", "discarded")


class Control:
    """Everything a person may ask of a running engine, or of a stopped one's Store.

    reenter  takes a raw record into ingress again
    lanes    what the lanes do now; nothing on a stopped engine
    problems what should run and does not, by `kind/name`, and why
    state    of the engine; `new` where none runs here
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
    ) -> None:
        self._cell = cell
        self._plans = plans
        self._pool = pool
        self._lanes = lanes
        self._engine_problems = problems
        self._state = state
        self._decisions = Decisions(cell, plans, pool, reenter)

    # --- looking ------------------------------------------------------------------------------------------------------

    async def status(self) -> Answer:
        """Routes with their figures, lanes, connections, queues and open work items. What the Store knows is empty
        while a running engine cannot reach it; `state` and `problems` say so.
        """
        remembered = await self._remembered()
        queues = await self._queues()
        return {
            "state": self._state(),
            "revision": self._plans.revision,
            "routes": [route_answer(plan) for plan in self._plans.all()],
            "lanes": [asdict(state) for state in self._lanes()],
            "problems": self._problems(),
            "connections": self._connections(),
            "queues": queues,
            **remembered,
        }

    async def live(self) -> bool:
        """Whether engines work on this Store, here or elsewhere. An embedded one does not say."""
        now = self._cell.clock.now()
        found = await self._cell.store.apply(WorkersSince(now - round(LIVE * 1_000_000)))
        return bool(found)

    async def _remembered(self) -> Answer:
        """What of the status is in the Store."""
        store, now = self._cell.store, self._cell.clock.now()
        try:
            counts = await store.apply(WorkCount())
            refused = await store.apply(RecordsRefused())
            found = await figures.completeness(self._cell)
            judged = await promises(self._cell, self._plans, found)
            live = await store.apply(WorkersSince(now - round(LIVE * 1_000_000)))
        except StoreDown:
            if self._state() == "new":
                raise
            return {"figures": [], "promises": [], "work": [], "refused": [], "workers": []}
        return {
            "figures": found,
            "promises": judged,
            "work": [dict(zip(("route", "reason", "state", "count"), row, strict=True)) for row in counts],
            "refused": [{"route": route, "count": count} for route, count in refused],
            "workers": [worker_answer(row) for row in live],
        }

    async def figures(self, route: str = "", since: str = "", until: str = "") -> Answer:
        """Completeness of routes and sinks, for business days in [since, until]."""
        found = await figures.completeness(self._cell, route, since, until)
        return {"figures": found, "balanced": all(one["balanced"] for one in found)}

    async def health(self) -> Answer:
        """Whether sources, tables and lanes work, the Store answers and the audit chain is whole."""
        problems = [f"{one['part']}: {one['why']}" for one in self._problems()]
        broken = await self._cell.store.apply(AuditVerify())
        if broken:
            problems.append(f"the audit chain does not fit at row {broken}")
        return {"healthy": not problems, "problems": problems, "connections": self._connections()}

    async def trace(self, text: str, name: str = "") -> Answer:
        """What happened to everything that a key, an event id or a trace id (or their beginnings) names."""
        found = await self._cell.store.apply(JournalFind(text, name))
        entries = await self._followed(found)
        events = list(dict.fromkeys(entry.event_id for entry in entries))[:MOST_TRACED]
        ledger = [row for event in events for row in await self._cell.store.apply(LedgerOfEvent(event))]
        items = [item for event in events for item in await self._cell.store.apply(WorkFind(_STATES, text=event))]
        if name == "file":
            items += await self._named(WorkFind(_STATES, text=text), name)
        unique = {item.id: item for item in items}
        return {
            "entries": [line_answer(entry) for entry in entries],
            "effects": [effect_answer(row) for row in ledger],
            "work": [self._answer(item) for item in unique.values()],
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
        find = WorkFind(states, route, reason, owner, text, limit, offset)
        items = await (self._named(find, name) if name else self._cell.store.apply(find))
        if text and not items:
            items = await self._by_key(find, name)
        return {"items": [self._answer(item) for item in items]}

    async def work_show(self, id: str) -> Answer:
        """One item with its body as people may see it."""
        item = await self._item(id)
        event = event_of(item)
        return {
            **self._answer(item),
            "data": decode(item.data),
            "headers": {name: hide(value, ()) for name, value in read_headers(item.headers).items()},
            "body": shown_body(item, self._plans),
            "note": item.note,
            "order": {"key": event.order_key, "number": event.order_no} if event is not None and event.order_no else {},
        }

    # --- deciding -----------------------------------------------------------------------------------------------------

    async def work_edit(self, id: str, body: Any, actor: str, reason: str) -> Answer:
        """Replace what will be replayed. Values left as they were shown stay what they are.

        body   for a record its text; else the whole JSON document. Raises Permanent when it cannot be.
        """
        item, who = await self._item(id), Who(actor, reason)
        if item.state != "open":
            raise Permanent("not-open", f"{item.id} is {item.state}")
        content = edited_body(item, body, self._plans, self._cell.clock)
        now = self._cell.clock.now()
        note = f"edited by {actor}: {reason}"
        edit = WorkEdit(item.id, item.version, item.headers, content, note, now, required=True)
        before, after = digest("body", item.body), digest("body", content)
        row = audit_row(item, "work.edit", who, now, before=before, after=after)
        await self._decisions.apply([edit, AuditAppend(row)])
        return await self.work_show(item.id)

    async def work_replay(self, id: str, actor: str, reason: str) -> Answer:
        """Have it tried again, as it is or as it was edited."""
        item = await self._item(id)
        return {"id": item.id, "text": await self._decisions.replay(item, Who(actor, reason))}

    async def work_resolve(self, id: str, actor: str, reason: str) -> Answer:
        """It was put right elsewhere."""
        item = await self._item(id)
        return {"id": item.id, "text": await self._decisions.close(item, "resolved", Who(actor, reason))}

    async def work_discard(self, id: str, actor: str, reason: str) -> Answer:
        """It is not wanted."""
        item = await self._item(id)
        return {"id": item.id, "text": await self._decisions.close(item, "discarded", Who(actor, reason))}

    # --- helpers ------------------------------------------------------------------------------------------------------

    async def _item(self, id: str) -> WorkItem:
        item = await self._cell.store.apply(WorkGet(id))
        if item is None:
            alike = sum(one.id.startswith(id) for one in await self._cell.store.apply(WorkFind(_STATES)))
            why = (
                f"{alike} work items begin with `{id}`; give more of it"
                if alike
                else f"no work item begins with `{id}`"
            )
            raise Permanent("no-such-item", why)
        return item

    def _answer(self, item: WorkItem) -> Answer:
        """An item; the parts of its natural key under the names its type gives them."""
        answer = item_answer(item)
        named = named_keys(answer["search"], self._plans.type(item.event_type))
        return {**answer, "search": {**self._validated_keys(item), **named}}

    def _validated_keys(self, item: WorkItem) -> dict[str, str]:
        """What an event that has no type of its own is found by: keys of the types its route validates it against."""
        plan, event = self._plans.current(item.route), event_of(item)
        if plan is None or event is None or item.level != "event" or not plan.source.found_by:
            return {}
        return search_keys(plan.source.found_by, event.with_data(decode(item.body)), self._cell.clock)

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

    async def _named(self, find: WorkFind, name: str) -> list[WorkItem]:
        """Items whose key of this name has the value `find.text`."""
        found = await self._cell.store.apply(replace(find, limit=0, offset=0))
        fitting = [item for item in found if self._answer(item)["search"].get(name) == find.text]
        return fitting[find.offset :][: find.limit or None]

    async def _by_key(self, find: WorkFind, name: str = "") -> list[WorkItem]:
        """Items of the events that a declared business key names."""
        entries = await self._cell.store.apply(JournalFind(find.text, name))
        found: dict[str, WorkItem] = {}
        for event in dict.fromkeys(entry.event_id for entry in entries):
            asked = WorkFind(find.states, find.route, find.reason, find.owner, event)
            found |= {item.id: item for item in await self._cell.store.apply(asked)}
        return list(found.values())[find.offset :][: find.limit or None]

    def _problems(self) -> list[Answer]:
        """What does not work now; an open breaker says what is wrong outside and when it is asked again."""
        found = [_problem(part, why) for part, why in sorted(self._engine_problems().items())]
        for gate in self._pool.gates():
            if gate.breaker.open:
                seconds = max(0, round(gate.breaker.retry_after()))
                last = f" ({hidden_text(gate.trouble, gate.planned)})" if gate.trouble else ""
                why = f"too many requests failed{last}; nothing is sent, the next probe is in {seconds} s"
                found.append(_problem(f"connection/{gate.planned.name}", why))
        return found

    def _connections(self) -> list[Answer]:
        return [
            {"connection": gate.planned.name, "breaker": "open" if gate.breaker.open else "closed"}
            for gate in self._pool.gates()
        ]

    async def _queues(self) -> list[Answer]:
        depths = await self._cell.transport.depths()
        return [
            {"queue": f"{address.kind}/{address.name}" if address.name else address.kind, **asdict(depth)}
            for address, depth in sorted(depths.items())
        ]


def _goes_on_as(entry: Entry) -> str:
    """Id of the event that goes on from the group this one is in; empty where there is none."""
    return entry.detail.removeprefix("as ") if entry.what == "continued" and entry.detail.startswith("as ") else ""


def _problem(part: str, why: str) -> Answer:
    return {"part": part, "why": why}

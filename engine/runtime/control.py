"""The verbs of the CLI and the console: what there is, what happened, and what a person decides. Plain values only.

Every answer is a dict of JSON values. Every change names its actor and reason and leaves an audit row. Refusals are
Permanent failures; nothing here prints, and private values are hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from engine.core.clock import iso
from engine.core.errors import Permanent
from engine.core.ids import digest
from engine.core.jsonx import decode
from engine.ports.store.audit import AuditAppend, AuditList, AuditVerify
from engine.ports.store.journal import JournalFind
from engine.ports.store.ledger import LedgerOfEvent
from engine.ports.store.work import WorkCount, WorkEdit, WorkFind, WorkGet, WorkItem, WorkState
from engine.runtime import figures
from engine.runtime.answers import Answer, effect_answer, item_answer, line_answer, route_answer
from engine.runtime.cell import Cell
from engine.runtime.codec import read_headers
from engine.runtime.editing import edited_body, event_of, shown_body
from engine.runtime.lanes import LaneState
from engine.runtime.plans import Plans
from engine.runtime.pool import Pool
from engine.runtime.replay import Decisions, Reenter, Who, audit_row
from engine.runtime.shown import hide

MOST_TRACED = 200  # events of one trace whose ledger rows are looked up
_STATES: tuple[WorkState, ...] = ("open", "replayed", "resolved", "discarded")


class Control:
    """Everything a person may ask of a running engine, or of a stopped one's Store.

    reenter  takes a raw record into ingress again
    lanes    what the lanes do now; nothing on a stopped engine
    """

    def __init__(
        self,
        cell: Cell,
        plans: Plans,
        pool: Pool,
        reenter: Reenter,
        lanes: Callable[[], Sequence[LaneState]] = tuple,
    ) -> None:
        self._cell = cell
        self._plans = plans
        self._pool = pool
        self._lanes = lanes
        self._decisions = Decisions(cell, plans, pool, reenter)

    # --- looking ------------------------------------------------------------------------------------------------------

    async def status(self) -> Answer:
        """Routes with their figures, lanes, connections, queues and open work items."""
        counts = await self._cell.store.apply(WorkCount())
        return {
            "revision": self._plans.revision,
            "routes": [route_answer(plan) for plan in self._plans.all()],
            "figures": await figures.completeness(self._cell),
            "lanes": [asdict(state) for state in self._lanes()],
            "connections": self._connections(),
            "queues": await self._queues(),
            "work": [dict(zip(("route", "reason", "state", "count"), row, strict=True)) for row in counts],
        }

    async def figures(self, route: str = "", since: str = "", until: str = "") -> Answer:
        """Completeness of routes and sinks, for business days in [since, until]."""
        found = await figures.completeness(self._cell, route, since, until)
        return {"figures": found, "balanced": all(one["balanced"] for one in found)}

    async def health(self) -> Answer:
        """Whether everything that should run does: lanes consume, the Store answers, the audit chain is whole."""
        problems = [f"lane {state.lane} does not run: {state.problem}" for state in self._lanes() if state.problem]
        broken = await self._cell.store.apply(AuditVerify())
        if broken:
            problems.append(f"the audit chain does not fit at row {broken}")
        return {"healthy": not problems, "problems": problems, "connections": self._connections()}

    async def trace(self, text: str, name: str = "") -> Answer:
        """What happened to everything that a key, an event id or a trace id (or their beginnings) names."""
        entries = await self._cell.store.apply(JournalFind(text, name))
        events = list(dict.fromkeys(entry.event_id for entry in entries))[:MOST_TRACED]
        ledger = [row for event in events for row in await self._cell.store.apply(LedgerOfEvent(event))]
        items = [item for event in events for item in await self._cell.store.apply(WorkFind(_STATES, text=event))]
        unique = {item.id: item for item in items}
        return {
            "entries": [line_answer(entry) for entry in entries],
            "effects": [effect_answer(row) for row in ledger],
            "work": [item_answer(item) for item in unique.values()],
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
    ) -> Answer:
        """Work items, newest first. `text`: a key value, an item id or an event id."""
        find = WorkFind(states, route, reason, owner, text, limit, offset)
        items = await self._cell.store.apply(find)
        if text and not items:
            items = await self._by_key(find)
        return {"items": [item_answer(item) for item in items]}

    async def work_show(self, id: str) -> Answer:
        """One item with its body as people may see it."""
        item = await self._item(id)
        event = event_of(item)
        return {
            **item_answer(item),
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
            raise Permanent("no-such-item", f"no work item begins with `{id}`, or more than one does")
        return item

    async def _by_key(self, find: WorkFind) -> list[WorkItem]:
        """Items of the events that a declared business key names."""
        entries = await self._cell.store.apply(JournalFind(find.text))
        found: dict[str, WorkItem] = {}
        for event in dict.fromkeys(entry.event_id for entry in entries):
            asked = WorkFind(find.states, find.route, find.reason, find.owner, event)
            found |= {item.id: item for item in await self._cell.store.apply(asked)}
        return list(found.values())[find.offset :][: find.limit or None]

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

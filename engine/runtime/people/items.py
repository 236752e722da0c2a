"""Work items looked up, by id or by a business key, and told as people may see them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from engine.core.errors import Permanent
from engine.core.jsonx import decode
from engine.ports.store.journal import JournalFind
from engine.ports.store.work import WorkFind, WorkGet, WorkItem, WorkState
from engine.runtime.cell import Cell
from engine.runtime.ingress.identity import search_keys
from engine.runtime.people.answers import Answer, item_answer, named_keys
from engine.runtime.people.editing import event_of
from engine.runtime.plans import Plans

STATES: tuple[WorkState, ...] = ("open", "replayed", "resolved", "discarded")


class Items:
    """Finds work items of one cell; the Plans say what their keys are called."""

    def __init__(self, cell: Cell, plans: Plans) -> None:
        self._cell = cell
        self._plans = plans

    async def one(self, id: str) -> WorkItem:
        """By its id or the beginning of it. Raises Permanent `no-such-item`, also where the beginning fits several."""
        item = await self._cell.store.apply(WorkGet(id))
        if item is None:
            alike = sum(one.id.startswith(id) for one in await self._cell.store.apply(WorkFind(STATES)))
            why = (
                f"{alike} work items begin with `{id}`; give more of it"
                if alike
                else f"no work item begins with `{id}`"
            )
            raise Permanent("no-such-item", why)
        return item

    def answer(self, item: WorkItem) -> Answer:
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

    async def named(self, find: WorkFind, name: str) -> list[WorkItem]:
        """Items whose key of this name has the value `find.text`."""
        found = await self._cell.store.apply(replace(find, limit=0, offset=0))
        fitting = [item for item in found if self.answer(item)["search"].get(name) == find.text]
        return fitting[find.offset :][: find.limit or None]

    async def holding(self, keys: Sequence[tuple[str, str]]) -> list[WorkItem]:
        """Items that are found by all of these (name, value); without a name the value of any key."""
        found = await self._cell.store.apply(WorkFind(STATES, text=keys[0][1]))
        return [item for item in found if self._holds(item, keys)]

    def _holds(self, item: WorkItem, keys: Sequence[tuple[str, str]]) -> bool:
        search = self.answer(item)["search"]
        return all(search.get(name) == value if name else value in search.values() for name, value in keys)

    async def by_key(self, find: WorkFind, name: str = "") -> list[WorkItem]:
        """Items of the events that a declared business key names."""
        entries = await self._cell.store.apply(JournalFind(find.text, name))
        found: dict[str, WorkItem] = {}
        for event in dict.fromkeys(entry.event_id for entry in entries):
            asked = WorkFind(find.states, find.route, find.reason, find.owner, event)
            found |= {item.id: item for item in await self._cell.store.apply(asked)}
        return list(found.values())[find.offset :][: find.limit or None]

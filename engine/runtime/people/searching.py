"""What happened to what a person names: by keys, by an event or trace id, or by the id of a work item."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from engine.expr.nearest import nearest
from engine.ports.store.journal import Entry, JournalFind
from engine.ports.store.work import WorkGet, WorkItem
from engine.runtime.cell import Cell
from engine.runtime.people.journal import CARRIED
from engine.runtime.plans import Plans

Wanted = tuple[str, str]  # name of a key, empty for any (or an id), and its value


def known_keys(plans: Plans) -> list[str]:
    """What things are found by: names of the carrier, and the `search` keys of the types of the routes that run."""
    types = [type_ for plan in plans.every() for type_ in plan.source.found_by]
    types += [plan.source.accepts for plan in plans.every() if plan.source.accepts is not None]
    types += [sink.event for plan in plans.every() for sink in plan.sinks if sink.event is not None]
    return [*CARRIED, *sorted({name for type_ in types for name in type_.search} - set(CARRIED))]


def unknown_key(name: str, plans: Plans) -> str:
    """What to say of a key that nothing can be found by; empty when there is such a key."""
    known = known_keys(plans)
    if not name or name in CARRIED or name in known:
        return ""
    near = nearest(name, known)
    meant = f"; did you mean `{near}`?" if near else ";"
    return f"there is no key `{name}`{meant} keys are {', '.join(known)}"


async def entries_of(cell: Cell, wanted: Sequence[Wanted]) -> list[Entry]:
    """The stories in which all of this holds. Those of the rarest are looked through for the others."""
    found = [await cell.store.apply(JournalFind(text, name)) for name, text in wanted]
    fewest = min(found, key=len)
    if len(wanted) == 1:
        return fewest
    keys: dict[str, set[Wanted]] = defaultdict(set)
    for entry in fewest:
        named = {(name, value) for name, value in entry.keys.items()}
        keys[entry.trace] |= named | {("", value) for _, value in named}
    rarest = wanted[found.index(fewest)]
    others = set(wanted) - {rarest}
    return [entry for entry in fewest if others <= keys[entry.trace]]


async def of_item(cell: Cell, id: str) -> tuple[list[Entry], WorkItem | None]:
    """The story of the event that a work item is about, and the item; nothing where no item has this id."""
    item = await cell.store.apply(WorkGet(id))
    if item is None:
        return [], None
    return await cell.store.apply(JournalFind(item.event_id or item.root)), item

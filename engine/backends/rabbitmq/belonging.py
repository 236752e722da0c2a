"""A cell belongs to one store: what was posted is known there and nowhere else.

A store has an id of its own, made when it is first used. The cell's directory on the broker names the store that the
cell belongs to; the first engine writes it there, and one that comes with another store is refused. So two engines over
two databases cannot share a vhost by mistake, whether both run or one after the other.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import uuid4

from engine.core.errors import SettingsError
from engine.ports.store import Store
from engine.ports.store.leases import SeenAdd, SeenGet

_SOURCE, _KEY = "tillflow/cell", "id"  # no route has that name, so it is never forgotten


class Belongs(NamedTuple):
    """A store, and where it is in words."""

    store: str
    where: str


async def identity(store: Store, where: str, now: int) -> Belongs:
    """Which store this is. Raises StoreDown."""
    await store.apply(SeenAdd(_SOURCE, _KEY, now, uuid4().hex))
    known: str | None = await store.apply(SeenGet(_SOURCE, _KEY))
    return Belongs(known or "", where)


def refuse_another(known: Belongs, mine: Belongs) -> None:
    """Raises SettingsError when the cell belongs to another store than ours."""
    if known.store == mine.store:
        return
    raise SettingsError(
        f"this cell of RabbitMQ belongs to another store: it was used with {known.where}, and this engine has "
        f"{mine.where}. What was posted is known to that store only, so a sale could be posted twice. Start with that "
        "store; or give this engine a vhost or a TILLFLOW_CELL of its own. If that store is gone for good, stop every "
        "engine of the cell and run `tillflow topology adopt`: the cell then belongs to this store, and what lies in "
        "its queues is posted without knowing what was posted before"
    )

"""What a topic offers: how its operations are prepared, carried out and written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from engine.backends.postgres.draft import Connection, Draft
from engine.backends.postgres.table import Table

Step = Callable[[Draft, Connection], Awaitable[None]]
Direct = Callable[[Connection, Any], Awaitable[Any]]


class Write(NamedTuple):
    """One writing operation: `want` notes the rows it looks at, `carry` does it on the draft and answers."""

    want: Callable[[Draft, Any], None]
    carry: Callable[[Draft, Any], Any]


Writes = dict[type, Write]
Directs = dict[type, Direct]


def load_of(*tables: Table) -> Step:
    """Locking and reading these tables, in this order."""

    async def load(draft: Draft, connection: Connection) -> None:
        for table in tables:
            if draft.touched(table):
                await draft.of(table).load(connection)

    return load


def flush_of(*tables: Table) -> Step:
    """Writing these tables back, in this order."""

    async def flush(draft: Draft, connection: Connection) -> None:
        for table in tables:
            if draft.touched(table):
                await draft.of(table).flush(connection)

    return flush

"""The operations of the Store, one topic a file.

A writing operation is a pair of functions on a Draft (see `draft.py`): which rows it looks at, and what it does to
them. Reads, and a few writes that nobody waits for, are statements of their own: `(connection, op) -> answer`.
"""

from __future__ import annotations

from engine.backends.postgres.draft import Connection, Draft
from engine.backends.postgres.ops import (
    audit,
    fence,
    figures,
    groups,
    inbox,
    journal,
    leases,
    ledger,
    order,
    revisions,
    tables,
    timers,
    work,
)
from engine.backends.postgres.ops.topic import Directs, Writes

# The order in which every transaction locks. What others wait longest for comes last.
_TOPICS = (inbox, ledger, work, order, fence, groups, timers, leases, tables, journal, audit)
_READING = (*_TOPICS, revisions, figures)

WRITES: Writes = {op: write for topic in _TOPICS for op, write in topic.WRITES.items()}
READS: Directs = {op: read for topic in _READING for op, read in topic.READS.items()}
DIRECT: Directs = {**fence.DIRECT, **journal.DIRECT, **revisions.DIRECT}

# Reads that may take long or need several statements of one snapshot: they have a connection of their own.
LONG: frozenset[type] = frozenset(op for topic in (figures, journal, revisions, work, audit) for op in topic.READS)


async def load(draft: Draft, connection: Connection) -> None:
    """Lock and read everything the operations look at."""
    for topic in _TOPICS:
        await topic.load(draft, connection)


async def flush(draft: Draft, connection: Connection) -> None:
    """Write what the operations changed. Raises draft.Raced."""
    for topic in _TOPICS:
        await topic.flush(draft, connection)

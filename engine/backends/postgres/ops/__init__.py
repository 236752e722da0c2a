"""The operations of the Store, one topic a file.

A writing operation is a pair of functions on a Draft (see `draft.py`): which rows it looks at, and what it does to
them. Reads, and a few writes that nobody waits for, are statements of their own: `(connection, op) -> answer`.
"""

from __future__ import annotations

from engine.backends.postgres.draft import Connection, Draft
from engine.backends.postgres.ops import (
    audit,
    blobs,
    fence,
    figures,
    groups,
    inbox,
    journal,
    leases,
    ledger,
    order,
    retention,
    revisions,
    tables,
    timers,
    work,
    workers,
)
from engine.backends.postgres.ops.topic import Directs, Writes
from engine.ports.store.inbox import InboxPlansInUse

# The order in which every transaction locks. What others wait longest for comes last.
_TOPICS = (inbox, ledger, work, order, fence, groups, timers, leases, workers, tables, journal, audit)
_READING = (*_TOPICS, revisions, figures, retention, blobs)

WRITES: Writes = {op: write for topic in _TOPICS for op, write in topic.WRITES.items()}
READS: Directs = {op: read for topic in _READING for op, read in topic.READS.items()}
DIRECT: Directs = {**fence.DIRECT, **journal.DIRECT, **revisions.DIRECT, **retention.DIRECT, **blobs.DIRECT}

# What may take long, and reads that need several statements of one snapshot: they have connections of their own.
LONG: frozenset[type] = frozenset(
    (
        InboxPlansInUse,
        *(op for topic in (figures, journal, revisions, retention, work, audit, blobs) for op in topic.READS),
        *(op for topic in (journal, revisions, retention, blobs) for op in topic.DIRECT),
    )
)


async def load(draft: Draft, connection: Connection) -> None:
    """Lock and read everything the operations look at."""
    for topic in _TOPICS:
        await topic.load(draft, connection)


async def flush(draft: Draft, connection: Connection) -> None:
    """Write what the operations changed. Raises draft.Raced."""
    for topic in _TOPICS:
        await topic.flush(draft, connection)

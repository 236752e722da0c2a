"""One function per operation of the Store: `(connection, op) -> answer`, inside a transaction somebody else holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from engine.backends.sqlite.ops import (
    audit,
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
from engine.ports.store.inbox import InboxPlansInUse

Handler = Callable[[sqlite3.Connection, Any], Any]

_TOPICS = (
    inbox, ledger, work, order, fence, groups, timers, journal, revisions, leases, tables, audit, figures, retention,
    workers,
)  # fmt: skip

HANDLERS: dict[type, Handler] = {op: handler for topic in _TOPICS for op, handler in topic.HANDLERS.items()}

# Reads that may take long or need several statements of one snapshot: they run on a thread of their own.
LONG: frozenset[type] = frozenset(
    op for topic in (figures, journal, revisions, work, audit, retention) for op in topic.HANDLERS
) | {InboxPlansInUse}

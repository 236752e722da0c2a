"""The embedded backends: one SQLite file that carries events and remembers what was done."""

from engine.backends.sqlite.database import SqliteDatabase
from engine.backends.sqlite.health import examined
from engine.backends.sqlite.lock import Owned, OwnerLock
from engine.backends.sqlite.readonly import ReadTransport, SqliteReader
from engine.backends.sqlite.store import SqliteStore
from engine.backends.sqlite.transport import SqliteTransport

__all__ = [
    "Owned",
    "OwnerLock",
    "ReadTransport",
    "SqliteDatabase",
    "SqliteReader",
    "SqliteStore",
    "SqliteTransport",
    "examined",
]

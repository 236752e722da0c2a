"""Opening connections, and what the driver's errors mean."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from engine.core.errors import StoreDamaged
from engine.core.ids import continuation_id

# FULL: a commit that was answered survives a power cut. No automatic checkpoint: only the writer does them, between
# transactions. No memory map: a read error would be a signal instead of an error.
_WRITER = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA wal_autocheckpoint=0",
    "PRAGMA mmap_size=0",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-32768",
)
_READER = ("PRAGMA query_only=1", "PRAGMA mmap_size=0", "PRAGMA temp_store=MEMORY", "PRAGMA cache_size=-8192")
_STATEMENTS = 256
_BUSY_SECONDS = 1.0  # only another program can be in the way, and the event loop waits as long

MEMORY = ":memory:"


def open_writer(path: str) -> sqlite3.Connection:
    """The one connection that writes; transactions are begun and ended by hand."""
    return _prepared(path, _WRITER, uri=False)


def open_reader(path: str) -> sqlite3.Connection:
    """A connection that cannot write or checkpoint. Raises sqlite3.OperationalError when there is no such file."""
    return _prepared(Path(path).absolute().as_uri() + "?mode=ro", _READER, uri=True)


def open_untouched(path: str) -> sqlite3.Connection:
    """A connection that reads a file nobody has open, and makes no files beside it."""
    return _prepared(Path(path).absolute().as_uri() + "?mode=ro&immutable=1", _READER, uri=True)


def _prepared(path: str, pragmas: tuple[str, ...], *, uri: bool) -> sqlite3.Connection:
    # Handed between the loop's thread and the disk thread, never used by both at once.
    connection = sqlite3.connect(
        path,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENTS,
        uri=uri,
    )
    try:
        for pragma in pragmas:
            connection.execute(pragma)
        connection.create_function("continuation_id", 4, continuation_id, deterministic=True)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


_PASSING = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_LASTING = frozenset(
    {
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_NOLFS,
        sqlite3.SQLITE_PROTOCOL,
    }
)


def _primary(error: BaseException) -> int:
    code = getattr(error, "sqlite_errorcode", None)
    return int(code) & 0xFF if isinstance(error, sqlite3.Error) and code is not None else -1


def is_passing(error: BaseException) -> bool:
    """Nothing was written and the same may work later: disk full, or another program holds a lock."""
    return _primary(error) in _PASSING


def is_full(error: BaseException) -> bool:
    """There is no room: something smaller may be written all the same."""
    return _primary(error) == sqlite3.SQLITE_FULL


def is_lasting(error: BaseException) -> bool:
    """The file or disk cannot be trusted any more: an fsync that failed may never be taken for done when repeated."""
    return _primary(error) in _LASTING


def is_unopened(error: BaseException) -> bool:
    """A file could not be opened or made: that of the database, or one that SQLite keeps beside it."""
    return _primary(error) in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def damage(path: str | Path, error: BaseException | str) -> StoreDamaged | None:
    """What to say of an error that means that the file is damaged, or of a finding of a check; None for other errors."""
    if isinstance(error, BaseException) and _primary(error) not in _DAMAGED:
        return None
    return StoreDamaged(
        f"{path} is damaged ({error}). Stop the engine and keep a copy of the folder {Path(path).parent}; then put a "
        "backup of that folder in its place, or start with another state folder (--state). Without it the engine does "
        "not know what was posted: what waited in it is lost, and what comes again is posted again"
    )

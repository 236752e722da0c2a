"""Opening connections, and what the driver's errors mean."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from engine.backends.postgres.draft import Connection, Raced
from engine.core.errors import SettingsError, StoreDown

_GOODBYE_SECONDS = 2.0
_STATEMENTS = 256
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")

# A process that stops in the middle of a transaction must not keep its locks from the others; a machine that is gone
# is noticed by keep-alives. Compiling queries costs more than any of them.
_SESSION = {
    "jit": "off",
    "idle_in_transaction_session_timeout": "10s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
# What a connection does not come about with, or ends with.
_LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
# Everything written is named by its key. A plan made while a table was small must not read it all once it has grown.
_BY_KEY = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
# What was answered survives the death of the server. Stricter settings of the server stay.
_DURABLE = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"


@dataclass(frozen=True)
class Patience:
    """Seconds until the database is taken for away: to connect, for a group of writes, for a quick read, and for what
    takes long by its nature (figures, retention).
    """

    connect: float = 5.0
    write: float = 20.0
    read: float = 10.0
    long: float = 300.0


class Server:
    """One database and one schema in it.

    dsn      `postgresql://user:password@host:port/database?..`; the password is never told
    schema   lower case name; several cells may share a database under different ones
    """

    def __init__(self, dsn: str, schema: str, patience: Patience) -> None:
        if not dsn.startswith(("postgresql://", "postgres://")):
            raise SettingsError("the store's address must begin with postgresql://user@host:port/database")
        if not _SCHEMA.fullmatch(schema):
            raise SettingsError(f"{schema!r} is no name for a schema; use lower case letters, digits and _")
        self._dsn = dsn
        self.patience = patience
        self.schema = schema

    def __str__(self) -> str:
        parts = urlsplit(self._dsn)
        return f"PostgreSQL {parts.netloc.rpartition('@')[2]}{parts.path}"

    async def connect(self, *, by_key: bool, seconds: float) -> Connection:
        """A connection for what may take `seconds`. Raises SettingsError or StoreDown.

        by_key   for statements that name their rows by key only
        """
        # The server gives up first: then the connection is good for the next one.
        own = {
            "application_name": f"tillflow {self.schema}",
            "search_path": self.schema,
            "statement_timeout": f"{round(seconds * 750)}",
        }
        settings = {**_SESSION, **own, **(_BY_KEY if by_key else {})}
        try:
            connection: Connection = await asyncpg.connect(
                self._dsn,
                timeout=self.patience.connect,
                statement_cache_size=_STATEMENTS,
                max_cached_statement_lifetime=0,
                server_settings=settings,
            )
        except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
            raise SettingsError(f"{self} refuses us: {error}") from None
        except ValueError as error:  # the driver's text names the parameter, but may also quote the address
            raise SettingsError(f"the address of {self} is malformed ({type(error).__name__})") from None
        except _LOST as error:
            raise StoreDown(f"{self} cannot be reached ({error or type(error).__name__}){_next(error)}") from error
        try:
            await connection.execute(_DURABLE)
        except _LOST as error:
            connection.terminate()
            raise StoreDown(f"{self} went away ({error or type(error).__name__})") from error
        return connection


def _next(error: BaseException) -> str:
    """What to do where nobody answers; a server that answers says what is wrong itself."""
    away = ". Start it, or correct host and port of the store's address (--store or TILLFLOW_STORE)"
    return away if isinstance(error, OSError) else ""


@asynccontextmanager
async def transaction(connection: Connection, begin: str, end: str) -> AsyncIterator[None]:
    """Between these two statements, or undone. Not when we gave up waiting: such a connection is let go of."""
    await connection.execute(begin)
    try:
        yield
    except Exception:
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
        raise
    if await connection.execute(end) != end:
        raise asyncpg.InterfaceError("the server undid the transaction when it was to be committed")


async def let_go(connection: Connection) -> None:
    """Say goodbye, so that the server does not take us for lost."""
    try:
        await connection.close(timeout=_GOODBYE_SECONDS)
    except _LOST:
        connection.terminate()


# Classes of SQLSTATE, and single ones: the same statement may work later, here or elsewhere.
_AWAY = ("08", "53", "57", "58", "25006", "28", "3D", "3F", "42P01", "42501", "XX")
_CONFLICTS = ("40", "55P03")


def is_conflict(error: BaseException) -> bool:
    """Two transactions were in each other's way and nothing was written: do it again."""
    if isinstance(error, asyncpg.PostgresError):
        return _state(error).startswith(_CONFLICTS) or isinstance(error, asyncpg.InvalidCachedStatementError)
    return isinstance(error, Raced)


def is_away(error: BaseException) -> bool:
    """The database cannot do its work for now; it says nothing of what was asked."""
    if isinstance(error, asyncpg.PostgresError):
        return _state(error).startswith(_AWAY)
    # The driver's DataError is an InterfaceError too: it is about one value.
    interface = isinstance(error, asyncpg.InterfaceError) and not isinstance(error, ValueError)
    return interface or isinstance(error, OSError | TimeoutError | asyncpg.InternalClientError)


def _state(error: Any) -> str:
    return str(error.sqlstate or "")

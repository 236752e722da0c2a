"""SQLite: one writer connection on a thread of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from connectors.core.sql.client import MAX_FOUND, Database, no_table
from connectors.core.sql.config import SqlConfig
from connectors.core.sql.statements import Rows, Work, quoted, table_name
from connectors.core.sql.values import for_sqlite, from_database
from engine.sdk import Failure, Permanent, Transient

T = TypeVar("T")
_BUSY = ("locked", "busy", "disk i/o", "unable to open", "disk is full", "readonly")


class SqliteDatabase(Database):
    """A database file. Also the stand-in for PostgreSQL in tests."""

    def __init__(self, config: SqlConfig) -> None:
        self._config = config
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="core.sql")
        self._db: sqlite3.Connection | None = None
        self._columns: dict[str, dict[str, str]] = {}
        self._schema = -1  # SQLite's number of the schema that `_columns` was read from

    async def open(self) -> None:
        await self._run(self._open)

    def _open(self) -> None:
        path = Path(self._config.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=5.0)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")
        self._db.execute("pragma foreign_keys = on")
        if self._config.create:
            table = quoted(self._config.applied_table)
            self._db.execute(
                f"create table if not exists {table} (delivery text primary key, at text not null) without rowid"
            )
            index = quoted(f"{self._config.applied_table[:60]}_at")
            self._db.execute(f"create index if not exists {index} on {table} (at)")

    async def close(self) -> None:
        await self._run(self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    async def version(self) -> str:
        return await self._run(self._version)

    def _version(self) -> str:
        path = Path(self._config.path)
        if not path.exists():
            return f"{path} is not there yet; it is made when the connection is first used"
        with closing(_looking(path)) as db:
            db.execute("select count(*) from sqlite_master").fetchone()
        return f"SQLite {sqlite3.sqlite_version}, {path}"

    async def lacks(self, tables: Sequence[str]) -> list[str]:
        return await self._run(lambda: self._lacks(tables))

    def _lacks(self, tables: Sequence[str]) -> list[str]:
        path = Path(self._config.path)
        if not path.parent.is_dir():
            return [f"there is no folder {path.parent}: an empty database would be made in it; is `url` right?"]
        known: set[str] = set()
        if path.exists():
            with closing(_looking(path)) as db:
                found = db.execute("select lower(name) from sqlite_master where type in ('table', 'view')")
                known = {name for (name,) in found}
        return [no_table(name) for name in tables if name.rpartition(".")[2].lower() not in known]

    async def apply(self, batch: Sequence[Work]) -> list[Failure | bool]:
        return await self._run(lambda: self._apply(batch))

    async def forget(self, seconds: float, most: int) -> int:
        return await self._run(lambda: self._forget(seconds, most))

    def _forget(self, seconds: float, most: int) -> int:
        table = quoted(self._config.applied_table)
        old = f"select delivery from {table} where at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?) order by at limit ?"
        sql = f"delete from {table} where delivery in ({old})"
        return self._open_db.execute(sql, (f"-{seconds:.0f} seconds", most)).rowcount

    async def find(self, query: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        return await self._run(lambda: self._find(query, params))

    async def _run(self, work: Callable[[], T]) -> T:
        """On the thread; errors of SQLite as failures. Nothing is committed when it raises."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise _failure(error) from error

    @property
    def _open_db(self) -> sqlite3.Connection:
        if self._db is None:
            raise Transient("not-open", "the database is not open")
        return self._db

    def _apply(self, batch: Sequence[Work]) -> list[Failure | bool]:
        db = self._open_db
        db.execute("begin immediate")
        try:
            self._forget_columns()
            results = [self._one(work) for work in batch]
            db.execute("commit")
        except BaseException:
            if db.in_transaction:
                db.execute("rollback")
            raise
        return results

    def _one(self, work: Work) -> Failure | bool:
        db = self._open_db
        db.execute("savepoint one")
        try:
            if work.claim and not self._claimed(work.key):
                return False
            for rows in work.rows:
                self._write(rows)
            return True
        except Permanent as failure:
            db.execute("rollback to one")
            return failure
        except sqlite3.Error as error:
            found = _failure(error)
            if not isinstance(found, Permanent):
                raise
            db.execute("rollback to one")
            return found
        finally:
            if db.in_transaction:
                db.execute("release one")

    def _claimed(self, key: str) -> bool:
        table = quoted(self._config.applied_table)
        sql = f"insert into {table} values (?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) on conflict do nothing"
        return self._open_db.execute(sql, (key,)).rowcount == 1

    def _write(self, rows: Rows) -> None:
        types = self._types(rows.table, rows.columns)
        placeholders = f"({', '.join('?' * len(rows.columns))})"
        bound = [
            [
                for_sqlite(value, types[column], f"{rows.table}.{column}")
                for column, value in zip(rows.columns, row, strict=True)
            ]
            for row in rows.values
        ]
        self._open_db.executemany(rows.sql(placeholders), bound)

    def _forget_columns(self) -> None:
        """Where somebody changed a table since: what was known of it would refuse what it takes now, or round."""
        (schema,) = self._open_db.execute("pragma schema_version").fetchone()
        if schema != self._schema:
            self._schema = schema
            self._columns.clear()

    def _types(self, table: str, columns: Sequence[str]) -> dict[str, str]:
        known = self._columns.get(table, {})
        if not known or any(column not in known for column in columns):
            schema, _, name = table.rpartition(".")
            prefix = f"{quoted(schema)}." if schema else ""
            found = self._open_db.execute(f"pragma {prefix}table_info({table_name(name)})")
            known = self._columns[table] = {row[1]: row[2] for row in found}
        if not known:
            raise Permanent("no-such-table", f"there is no table {table}")
        if missing := [column for column in columns if column not in known]:
            raise Permanent("no-such-column", f"{table} has no column {missing[0]}; it has {', '.join(known)}")
        return known

    def _find(self, query: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        db = self._open_db
        db.execute("pragma query_only = on")
        try:
            cursor = db.execute(query, {name: for_sqlite(value, "", name) for name, value in params.items()})
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, map(from_database, row), strict=True)) for row in cursor.fetchmany(MAX_FOUND)]
        finally:
            db.execute("pragma query_only = off")


def _looking(path: Path) -> sqlite3.Connection:
    """To read only. Where nobody writes, looking leaves no files beside it."""
    alone = not path.with_name(path.name + "-wal").exists()
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' * alone}", uri=True)


def _failure(error: sqlite3.Error) -> Failure:
    text = str(error)
    if isinstance(error, sqlite3.OperationalError) and any(word in text.lower() for word in _BUSY):
        return Transient("database-busy", text)
    return Permanent("conflict" if isinstance(error, sqlite3.IntegrityError) else "refused", text)

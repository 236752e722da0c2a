"""PostgreSQL by asyncpg. Every value goes as text and is cast to its column's type, so that nothing is rounded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from connectors.core.sql.client import MAX_FOUND, Database, no_table
from connectors.core.sql.config import PARAMETER, SqlConfig
from connectors.core.sql.statements import Rows, Work, quoted, table_name
from connectors.core.sql.values import for_postgres, from_database, from_json
from engine.sdk import Failure, Permanent, Transient, UnknownOutcome

# SQLSTATE classes that pass: connection, resources, operator intervention, serialisation, locks.
_PASSING = ("08", "53", "57", "40", "55", "58")
_COLUMNS = """
select a.attname as name, format_type(a.atttypid, a.atttypmod) as type
from pg_attribute a where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
"""


class PostgresDatabase(Database):
    """A database behind a small pool."""

    def __init__(self, config: SqlConfig) -> None:
        self._config = config
        self._pool: Any = None
        self._columns: dict[str, dict[str, str]] = {}

    async def open(self) -> None:
        try:
            self._pool = await asyncpg.create_pool(
                self._config.url,
                min_size=0,
                max_size=self._config.pool,
                timeout=10,
                init=_plain_json,
                **self._proof(),
            )
            if self._config.create:
                await self._create()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            await self.close()
            raise _failure(error) from error

    async def _create(self) -> None:
        table = quoted(self._config.applied_table)
        sql = f"create table if not exists {table} (delivery text primary key, at timestamptz not null default now())"
        async with self._pool.acquire() as db:
            if await db.fetchval("select to_regclass($1)", table) is None:
                await db.execute(sql)
                # Rows come in the order of their time: an index of block ranges finds the old ones and costs nothing.
                index = quoted(f"{self._config.applied_table[:60]}_at")
                await db.execute(f"create index if not exists {index} on {table} using brin (at)")

    async def close(self) -> None:
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), 5)
            except TimeoutError:
                self._pool.terminate()
            self._pool = None

    async def version(self) -> str:
        async with self._looking() as db:
            return str(await db.fetchval("select version()")).partition(" on ")[0]

    async def lacks(self, tables: Sequence[str]) -> list[str]:
        async with self._looking() as db:
            known = {name: await db.fetchval("select to_regclass($1)", table_name(name)) for name in tables}
        return [no_table(name) for name, found in known.items() if found is None]

    @asynccontextmanager
    async def _looking(self) -> Any:
        """A connection of its own, which makes nothing."""
        try:
            db = await asyncpg.connect(self._config.url, timeout=10, **self._proof())
            try:
                yield db
            finally:
                await db.close(timeout=5)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            raise _failure(error) from error

    def _proof(self) -> dict[str, Any]:
        password = self._config.password.reveal() if self._config.password else None
        return {"password": password, "ssl": True if self._config.ssl else None}

    @asynccontextmanager
    async def _connection(self) -> Any:
        if self._pool is None:
            raise Transient("not-open", "the database is not open")
        try:
            async with self._pool.acquire() as db:
                yield db
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise _failure(error) from error

    async def apply(self, batch: Sequence[Work]) -> list[Failure | bool]:
        async with self._connection() as db:
            transaction = db.transaction()
            await transaction.start()
            try:
                results = [await self._one(db, work) for work in batch]
            except BaseException:
                await _rolled_back(db, transaction)
                raise
            try:
                await transaction.commit()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                raise UnknownOutcome("commit-unanswered", str(error)) from error
            return results

    async def _one(self, db: Any, work: Work) -> Failure | bool:
        try:
            async with db.transaction():  # a savepoint
                if work.claim and not await self._claimed(db, work.key):
                    return False
                for rows in work.rows:
                    await self._write(db, rows)
                return True
        except Permanent as failure:
            self._columns.clear()  # whoever alters the table and replays it finds it as it is then
            return failure
        except asyncpg.PostgresError as error:
            self._columns.clear()
            failed = _failure(error)
            if not isinstance(failed, Permanent):
                raise
            return failed

    async def _claimed(self, db: Any, key: str) -> bool:
        table = quoted(self._config.applied_table)
        answer = await db.execute(f"insert into {table} (delivery) values ($1) on conflict do nothing", key)
        return str(answer).endswith(" 1")

    async def _write(self, db: Any, rows: Rows) -> None:
        types = await self._types(db, rows.table, rows.columns)
        casts = [f"cast(${position}::text as {types[column]})" for position, column in enumerate(rows.columns, 1)]
        bound = [
            [
                for_postgres(value, types[column], f"{rows.table}.{column}")
                for column, value in zip(rows.columns, row, strict=True)
            ]
            for row in rows.values
        ]
        await db.executemany(rows.sql(f"({', '.join(casts)})"), bound)

    async def _types(self, db: Any, table: str, columns: Sequence[str]) -> dict[str, str]:
        known = self._columns.get(table, {})
        if not known or any(column not in known for column in columns):
            found = await db.fetch(_COLUMNS, table_name(table))
            known = self._columns[table] = {row["name"]: row["type"] for row in found}
        if not known:
            raise Permanent("no-such-table", f"there is no table {table}")
        if missing := [column for column in columns if column not in known]:
            raise Permanent("no-such-column", f"{table} has no column {missing[0]}; it has {', '.join(known)}")
        return known

    async def forget(self, seconds: float, most: int) -> int:
        table = quoted(self._config.applied_table)
        old = f"select ctid from {table} where at < now() - make_interval(secs => $1) limit $2 for update skip locked"
        async with self._connection() as db:
            answer = await db.execute(f"delete from {table} where ctid = any(array({old}))", seconds, most)
        return int(str(answer).rpartition(" ")[2])

    async def find(self, query: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        names: list[str] = []
        sql = PARAMETER.sub(lambda match: _place(match[1], names), query)
        async with self._connection() as db, db.transaction(readonly=True):
            statement = await db.prepare(sql)
            types = [parameter.name for parameter in statement.get_parameters()]
            bound = [_parameter(params[name], kind) for name, kind in zip(names, types, strict=True)]
            cursor = await statement.cursor(*bound)
            rows = await cursor.fetch(MAX_FOUND)
            return [{name: _read(value) for name, value in row.items()} for row in rows]


async def _plain_json(db: Any) -> None:
    """json columns come as text and are parsed exactly."""
    for name in ("json", "jsonb"):
        await db.set_type_codec(name, encoder=str, decoder=_Json, schema="pg_catalog")


class _Json(str):
    """The text of a json column."""


def _read(value: Any) -> Any:
    return from_json(str(value)) if isinstance(value, _Json) else from_database(value)


def _place(name: str, names: list[str]) -> str:
    if name not in names:
        names.append(name)
    return f"${names.index(name) + 1}"


def _parameter(value: Any, type: str) -> Any:
    """A parameter as the type the query wants. Text types take text; everything else is what it is."""
    if type in ("text", "varchar", "bpchar", "name") and value is not None:
        return for_postgres(value, "text", "parameter")
    return value


async def _rolled_back(db: Any, transaction: Any) -> None:
    if not db.is_closed():
        try:
            await transaction.rollback()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return  # the connection is gone, and the transaction with it


def _failure(error: BaseException) -> Failure:
    state = getattr(error, "sqlstate", None)
    if state is None or state.startswith(_PASSING) or isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return Transient("database-unavailable", str(error) or type(error).__name__)
    return Permanent("conflict" if state.startswith("23") else "refused", str(error), data={"sqlstate": state})

"""What is to be done in a database, before it is known which one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.core.sql.config import IDENTIFIER, InsertRequest, UpsertRequest
from engine.sdk import Permanent

MAX_ROWS = 10_000


@dataclass(frozen=True)
class Rows:
    """Rows of one table that have the same columns. `key` empty: insert; otherwise upsert by these columns."""

    table: str
    columns: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]
    key: tuple[str, ...] = ()
    newer_by: str = ""

    def sql(self, values: str) -> str:
        """The statement around a `(..)` of placeholders."""
        names = ", ".join(quoted(column) for column in self.columns)
        text = f"insert into {table_name(self.table)} ({names}) values {values}"
        if not self.key:
            return text
        others = [column for column in self.columns if column not in self.key]
        target = ", ".join(quoted(column) for column in self.key)
        if not others:
            return f"{text} on conflict ({target}) do nothing"
        changes = ", ".join(f"{quoted(column)} = excluded.{quoted(column)}" for column in others)
        text = f"{text} on conflict ({target}) do update set {changes}"
        if self.newer_by:
            column, table = quoted(self.newer_by), table_name(self.table.rpartition(".")[2])
            text += f" where {table}.{column} is null or {table}.{column} <= excluded.{column}"
        return text


@dataclass(frozen=True)
class Work:
    """One delivery. `claim`: it is remembered as applied in the same transaction, and done only if it was not."""

    key: str
    rows: tuple[Rows, ...]
    claim: bool


def quoted(name: str) -> str:
    """An identifier in quotes. Raises Permanent `bad-name`."""
    if not IDENTIFIER.fullmatch(name):
        raise Permanent("bad-name", f"{name[:60]!r} is not the name of a table or column")
    return f'"{name}"'


def table_name(name: str) -> str:
    """A table, optionally with its schema, in quotes. Raises Permanent `bad-name`."""
    parts = name.split(".")
    if len(parts) > 2:
        raise Permanent("bad-name", f"{name[:60]!r} is not the name of a table")
    return ".".join(quoted(part) for part in parts)


def work_of(key: str, request: InsertRequest, claim: bool) -> Work:
    """All rows of a request, parents before children. Raises Permanent `bad-item` or `bad-name`."""
    parents = request.row if isinstance(request.row, list) else [request.row]
    upsert = request if isinstance(request, UpsertRequest) else None
    made: list[tuple[str, Mapping[str, Any]]] = []
    for parent in parents:
        made.extend(_flat(parent, request))
    if len(made) > MAX_ROWS:
        raise Permanent("bad-item", f"one delivery has {len(made)} rows; at most {MAX_ROWS} are written")
    return Work(key, tuple(_together(made, request.table, upsert)), claim)


def _flat(parent: Any, request: InsertRequest) -> list[tuple[str, Mapping[str, Any]]]:
    row = _object(parent, request.table)
    own = {column: value for column, value in row.items() if column not in request.children}
    rows: list[tuple[str, Mapping[str, Any]]] = [(request.table, own)]
    for name, child in request.children.items():
        items = row.get(name) or []
        if not isinstance(items, list):
            raise Permanent(
                "bad-item", f"`{name}` is {type(items).__name__}; it must be a list of rows of {child.table}"
            )
        for number, item in enumerate(items, 1):
            linked = {column: row.get(source) for column, source in child.link.items()}
            counted = {child.number: number} if child.number else {}
            rows.append((child.table, {**linked, **counted, **_object(item, child.table)}))
    return rows


def _object(row: Any, table: str) -> Mapping[str, Any]:
    if not isinstance(row, dict) or not row:
        raise Permanent(
            "bad-item", f"a row of {table} is {type(row).__name__}; it must be an object: {{column: value}}"
        )
    return row


def _together(rows: Sequence[tuple[str, Mapping[str, Any]]], table: str, upsert: UpsertRequest | None) -> list[Rows]:
    """Neighbouring rows with the same columns as one statement."""
    groups: dict[tuple[str, tuple[str, ...]], list[tuple[Any, ...]]] = {}
    for name, row in rows:
        groups.setdefault((name, tuple(row)), []).append(tuple(row.values()))
    result: list[Rows] = []
    for (name, columns), values in groups.items():
        table_name(name)
        for column in columns:
            quoted(column)
        keyed = upsert is not None and name == table
        if keyed and upsert is not None and (missing := [column for column in upsert.key if column not in columns]):
            raise Permanent("bad-item", f"a row of {name} has no `{missing[0]}`, which is part of its key")
        key = tuple(upsert.key) if upsert is not None and keyed else ()
        newer_by = upsert.newer_by if upsert is not None and keyed else ""
        result.append(Rows(name, columns, tuple(values), key, newer_by))
    return result


def decimals(value: Decimal) -> int:
    """Number of decimals that are not zero at the end."""
    return max(0, -int(value.normalize().as_tuple().exponent))

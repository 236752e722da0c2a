"""Structs to columns and back: columns have the names of the fields, nested keys are spread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from msgspec.structs import fields

Handlers = dict[type, Any]


def names(kind: type, spread: str = "", into: Iterable[str] = ()) -> tuple[str, ...]:
    """Field names of a struct; the field `spread` is replaced by the names `into`."""
    result: list[str] = []
    for field in fields(kind):
        result.extend(into if field.name == spread else (field.name,))
    return tuple(result)


def columns(of: Iterable[str]) -> str:
    """As SQL: quoted (`plan` and others are keywords), comma separated."""
    return ", ".join(f'"{name}"' for name in of)


def assignments(of: Iterable[str]) -> str:
    """As SQL: `"name" = ?` for each."""
    return ", ".join(f'"{name}" = ?' for name in of)


def insert(table: str, of: tuple[str, ...], conflict: str = "") -> str:
    """An INSERT with one placeholder a column."""
    return f"INSERT INTO {table} ({columns(of)}) VALUES ({', '.join('?' * len(of))}) {conflict}"


def value(connection: sqlite3.Connection, sql: str, *parameters: object, default: Any = None) -> Any:
    """The first column of the first row, or `default` where there is none or it is null."""
    row = connection.execute(sql, parameters).fetchone()
    return default if row is None or row[0] is None else row[0]

"""Values on their way into a database and back: exact, or refused."""

from __future__ import annotations

import base64
import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from connectors.core.sql.statements import decimals
from engine.sdk import Permanent, encode, parse, plain

_NUMERIC = re.compile(r"(?:numeric|decimal)\((\d+),\s*(-?\d+)\)")
_NUMBERS = ("numeric", "decimal", "integer", "bigint", "smallint")
_BINARY = ("real", "double precision")


def for_postgres(value: Any, type: str, column: str) -> str | None:
    """The text a value is cast from. Raises Permanent `inexact`."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        if type.startswith(_BINARY):
            raise _inexact(column, type, value, "numeric")
        found = _NUMERIC.fullmatch(type)
        if found and decimals(Decimal(value)) > int(found[2]):
            raise Permanent("inexact", f"{column}: {value} has more decimals than {type} keeps")
        return plain(value) if type.startswith(_NUMBERS) else f"{value:f}" if isinstance(value, Decimal) else str(value)
    return value if isinstance(value, str) else encode(value).decode()


def for_sqlite(value: Any, type: str, column: str) -> Any:
    """What is bound. Fractions are stored as text; a column that would make a binary number of them is refused."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return int(value)
    if not isinstance(value, int | Decimal):
        return encode(value).decode()
    kind = affinity(type)
    if kind == "text":
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    if value == int(value) and -(2**63) <= value < 2**63 and kind != "real":
        return int(value)
    if kind == "none":
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    raise _inexact(column, type, value, "TEXT")


def affinity(type: str) -> str:
    """How SQLite treats a column declared so: integer, text, none, real or numeric."""
    upper = type.upper()
    if "INT" in upper:
        return "integer"
    if any(word in upper for word in ("CHAR", "CLOB", "TEXT")):
        return "text"
    if not upper or "BLOB" in upper:
        return "none"
    return "real" if any(word in upper for word in ("REAL", "FLOA", "DOUB")) else "numeric"


def _inexact(column: str, type: str, value: Any, better: str) -> Permanent:
    why = f"{column}: a column of type {type} keeps {value} as a binary number, which is not exact"
    return Permanent("inexact", f"{why}; declare it {better}")


def from_database(value: Any) -> Any:
    """A JSON value: numbers exact, dates as ISO text, bytes as base64."""
    if value is None or isinstance(value, str | bool | int | Decimal):
        return value
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, UUID | timedelta):
        return str(value)
    if isinstance(value, list | tuple):
        return [from_database(item) for item in value]
    return str(value)


def from_json(text: Any) -> Any:
    """A json column of PostgreSQL, exact."""
    return parse(text) if isinstance(text, str) else text

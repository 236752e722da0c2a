"""Reference tables. A key is a value, or a list of values for a key of several columns."""

from __future__ import annotations

from engine.expr.env import Env
from engine.expr.types import Anything, Object, TableName, Text
from engine.expr.values import undated


def lookup(env: Env, table: TableName, key: Anything, on: Text = "") -> Object:
    """The row of a table with this key, as of a date where the table is effective-dated. A miss is an error.

    lookup('stores', '0012').company -> "Iberia SL"
    """
    return env.lookup(table, undated(key), str(on))


def find(env: Env, table: TableName, key: Anything, on: Text = "") -> Object | None:
    """The row of a table with this key, or null on a miss.

    find('stores', '9999') -> null
    """
    return env.find(table, undated(key), str(on))


def has_row(env: Env, table: TableName, key: Anything, on: Text = "") -> bool:
    """Whether a table has a row with this key.

    has_row('stores', '0012') -> true
    """
    return env.find(table, undated(key), str(on)) is not None


FUNCTIONS = (lookup, find, has_row)

"""Whether a Store's file is sound, looked at without making or changing anything."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from engine.backends.sqlite.connection import damage, open_reader, open_untouched
from engine.backends.sqlite.schema import check, known
from engine.core.errors import StoreDown

WHOLE = 64 << 20  # bytes; every page of a file up to this size is read


def examined(path: Path) -> str:
    """A sentence about the file. Raises StoreDown (StoreDamaged: with what to do), SettingsError for a newer one."""
    if not path.exists() or not path.stat().st_size:
        return "there is none yet; the engine makes it when it starts"
    try:
        # Without a log beside it nobody has it open, and then a reader that needs no files of its own does.
        logged = path.with_name(path.name + "-wal").exists()
        with closing(open_reader(str(path)) if logged else open_untouched(str(path))) as connection:
            return _facts(connection, path)
    except sqlite3.Error as error:
        raise damage(path, error) or StoreDown(f"{path} cannot be read ({error})") from error


def _facts(connection: sqlite3.Connection, path: Path) -> str:
    size = path.stat().st_size
    if size <= WHOLE:
        # Before anything is believed that stands in it.
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok" and (damaged := damage(path, str(found).replace("\n", ": "))):
            raise damaged
    there, newest = check(connection, str(path)), known()[-1].number
    schema = f"schema {there}" if there == newest else f"schema {there}, brought to {newest} when the engine starts"
    if size > WHOLE:
        return f"can be read, {schema}; of its {size >> 20} MiB not every page was looked at"
    return f"every page can be read, {schema}"

"""Reference tables at run time: polled by content, swapped by pointer, a broken version never replaces a good one."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from engine.compile.plan import PlannedTable
from engine.compile.tablefile import TableProblem, Version, from_rows, read_csv
from engine.core.clock import Clock
from engine.core.errors import Permanent, StoreDown, Transient
from engine.core.ids import key_text
from engine.core.jsonx import decode
from engine.ports.store import Store
from engine.ports.store.tables import TableAll, TableStamp
from engine.runtime.cell import Log

EVERY = 0.5  # seconds between two looks
SELDOM = 5.0  # the same, while there are no tables
YOUNG = 2.0  # seconds: a file changed this recently may change again within the resolution of its time


class TableFiles(Protocol):
    """Where CSV files are read from."""

    def stamp(self, path: str) -> object:
        """Something that is equal as long as the file cannot have changed; None: read it to know."""
        ...

    def read(self, path: str) -> bytes:
        """The content. Raises OSError."""
        ...


class FolderFiles:
    """Files of a project folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def stamp(self, path: str) -> object:
        try:
            stat = (self._root / path).stat()
        except OSError:
            return None
        # The file system's time, not the engine's clock: it is compared with a time the file system gave.
        young = time.time_ns() - stat.st_mtime_ns < YOUNG * 1e9
        return None if young else (stat.st_mtime_ns, stat.st_size, stat.st_ino)

    def read(self, path: str) -> bytes:
        return (self._root / path).read_bytes()


class Tables:
    """All reference tables of a process. `find` reads the current versions; `refresh` looks for new ones."""

    def __init__(
        self,
        planned: Mapping[str, PlannedTable],
        files: TableFiles,
        clock: Clock,
        log: Log,
        store: Store | None = None,
    ) -> None:
        self._planned = dict(planned)
        self._files = files
        self._clock = clock
        self._log = log
        self._store = store
        self._current: dict[str, Version] = {}
        self._stamps: dict[str, object] = {}
        self.every = EVERY  # seconds; tests that jump through days look less often
        self.problems: dict[str, str] = {}

    def find(self, table: str, key: Any, on: str) -> dict[str, Any] | None:
        """See TableReader. Raises Transient `table-unavailable` while a table has no version that can be used."""
        version = self._current.get(table)
        if version is None:
            if table not in self._planned:
                raise Permanent("no-such-table", f"there is no table `{table}`")
            why = self.problems.get(table, "it is not loaded yet")
            raise Transient("table-unavailable", f"table `{table}` cannot be used: {why}")
        parts = key if isinstance(key, (list, tuple)) else (key,)
        return version.find(key_text(parts), on)  # type: ignore[return-value]

    def sizes(self) -> dict[str, int]:
        """Rows by table."""
        return {name: len(version) for name, version in self._current.items()}

    def replace(self, planned: Mapping[str, PlannedTable]) -> None:
        """Other tables from now on; a table whose declaration changed is read anew at the next refresh."""
        for name, table in self._planned.items():
            if planned.get(name) != table:
                self._stamps.pop(name, None)
                if name not in planned:
                    self._current.pop(name, None)
        self._planned = dict(planned)

    async def refresh(self) -> list[str]:
        """Look at every table once; answers those that have a new version now."""
        changed = []
        for table in list(self._planned.values()):
            if await self._look(table):
                changed.append(table.name)
        return changed

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self._clock.sleep(self.every if self._planned else SELDOM)
            await self.refresh()

    async def _look(self, table: PlannedTable) -> bool:
        try:
            version = await self._stored(table) if not table.file else await self._from_file(table)
        except TableProblem as problem:
            self._report(table, str(problem))
            return False
        except OSError as error:
            self._report(table, f"{table.file} cannot be read: {error.strerror or type(error).__name__}")
            return False
        except StoreDown:
            return False  # an engine state, told elsewhere; what is known stays in use
        if version is None:
            return False
        self.problems.pop(table.name, None)
        if table.name in self._current:
            self._log("a table changed", {"table": table.name, "rows": len(version)})
        self._current[table.name] = version
        return True

    async def _from_file(self, table: PlannedTable) -> Version | None:
        stamp = self._files.stamp(table.file)
        if stamp is not None and self._stamps.get(table.name) == stamp:
            return None
        content = self._files.read(table.file)
        digest = hashlib.sha256(content).hexdigest()
        known = self._current.get(table.name)
        if known is not None and known.stamp == digest and table.name not in self.problems:
            self._stamps[table.name] = stamp
            return None
        large = len(content) > 1 << 20
        reading = asyncio.to_thread(read_csv, table, content, digest) if large else None
        version = read_csv(table, content, digest) if reading is None else await reading
        self._stamps[table.name] = stamp
        return version

    async def _stored(self, table: PlannedTable) -> Version | None:
        if self._store is None:
            return None if table.name in self._current else from_rows(table, (), "")
        stamp = await self._store.apply(TableStamp(table.name))
        if table.name in self._current and self._stamps.get(table.name) == stamp:
            return None
        rows = await self._store.apply(TableAll(table.name))
        version = from_rows(table, [decode(row.row) for row in rows], str(stamp))
        self._stamps[table.name] = stamp
        return version

    def _report(self, table: PlannedTable, problem: str) -> None:
        if self.problems.get(table.name) == problem:
            return
        self.problems[table.name] = problem
        kept = "the version before stays in use" if table.name in self._current else "events that need it wait"
        self._log("a table cannot be used", {"table": table.name, "problem": problem, "what follows": kept})

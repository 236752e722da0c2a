"""One engine on real files: a project, a state folder, and the lives of `tillflow run` over them.

A life is a process of its own, with the command line's own code in it. It is forked from a process that has imported
everything, which costs a tenth of a fresh start; `fresh=True` starts it from nothing.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.forking import context
from tests.proof import forked

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 180.0  # seconds until something that has to happen counts as not happening
KILLED = -signal.SIGKILL

_lock = threading.Lock()  # a start looks at the ends of all others: two looks at one end would lose its code


class Life:
    """One process. `code` is how it ended: an exit code, minus the signal that ended it, None while it lives.

    before   how many lives the log told of when this one began
    """

    def __init__(self, process: Any, before: int) -> None:
        self._process = process
        self.before = before

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    @property
    def code(self) -> int | None:
        if isinstance(self._process, subprocess.Popen):
            return self._process.poll()
        with _lock:
            code: int | None = self._process.exitcode
        return code

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens to one that has ended."""
        if self.code is None:
            os.kill(self.pid, number)

    def ended(self, within: float = PATIENCE) -> int:
        """Wait for its end. Fails the test when it does not come."""
        until = time.monotonic() + within
        while (code := self.code) is None:
            if time.monotonic() > until:
                self.signal(signal.SIGKILL)
                raise AssertionError(f"process {self.pid} did not end within {within:g} s")
            time.sleep(0.01)
        return code

    def kill(self) -> int:
        """End it as a power cut would."""
        self.signal(signal.SIGKILL)
        return self.ended()

    def stop(self, within: float = 20.0) -> int:
        """Ask it to stop."""
        self.signal(signal.SIGTERM)
        return self.ended(within)


class Place:
    """A folder with everything of one engine in it."""

    def __init__(
        self, folder: Path, files: Mapping[str, str | bytes], environ: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.project, self.state = folder / "project", folder / "state"
        self.inbox, self.archive, self.failed = (folder / name for name in ("inbox", "archive", "failed"))
        self.log = folder / "engine.log"
        self.environ = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1",
            "TILLFLOW_WATCH": "no",  # what a story edits it applies before the next life
            "INBOX": str(self.inbox),
            "ARCHIVE": str(self.archive),
            "FAILED": str(self.failed),
            "BOOKS": f"sqlite:///{self.books}",
            **(environ or {}),
        }
        self._edited = False
        for made in (self.project, self.inbox):
            made.mkdir(parents=True, exist_ok=True)
        self.edit(files)

    @property
    def books(self) -> Path:
        """The database that SQL sinks of proof projects write to."""
        return self.folder / "books.db"

    @property
    def database(self) -> Path:
        """The engine's own."""
        return self.state / "tillflow.db"

    def edit(self, files: Mapping[str, str | bytes]) -> None:
        """Write files of the project."""
        for path, content in files.items():
            file = self.project / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        self._edited = self.database.exists()

    def apply(self) -> None:
        """Have the edited files run from the next life on, whatever they risk. Changed tables are no change of files."""
        self._edited = False
        plan = self.ask("plan")
        risks = {risk["name"] for change in plan["changes"] for risk in change["risks"]}
        accepted = [word for name in sorted(risks) for word in ("--accept", name)]
        if plan["changes"]:
            self.cli("apply", "--reason", "this story's edit", *accepted)

    def drop(self, name: str, content: bytes) -> None:
        """A file as tills drop them: complete when its name appears."""
        partial = self.inbox / f".{name}.part"
        partial.write_bytes(content)
        partial.rename(self.inbox / name)

    # --- lives -------------------------------------------------------------------------------------------------------

    def start(self, crash: str = "", *, alone: bool = True, fresh: bool = False) -> Life:
        """A life of `tillflow run`; `crash` names the point where it dies. Without `alone`: parent and child."""
        if self._edited:
            self.apply()
        arguments = ["run", *self._where, *(["--alone"] if alone else [])]
        return self._begin(arguments, crash, self.folder / "run.out", fresh=fresh or not alone)

    def cli(self, *arguments: str, code: int = 0) -> str:
        """What a command prints on stdout. Fails the test when it ends with another exit code."""
        out = self.folder / f"cli-{time.monotonic_ns()}.out"
        ended = self._begin([*arguments, *self._where], "", out, fresh=False).ended()
        assert ended == code, f"tillflow {' '.join(arguments)} ended with {ended}: {self.told()[-2000:]}"
        return out.read_text("utf-8") if out.exists() else ""

    def ask(self, *arguments: str) -> Any:
        """The answer of a command in JSON; numbers with a fraction stay text."""
        return json.loads(self.cli(*arguments, "--format", "json"), parse_float=str)

    def items(self) -> list[dict[str, Any]]:
        """The open work items: all that a proof looks at of what the engine itself has written down."""
        names = ("id", "route", "sink", "level", "reason", "detail", "event_id", "amount", "search")
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            rows = database.execute(f"select {', '.join(names)} from work_item where state = 'open'").fetchall()
        found = [dict(zip(names, row, strict=True)) for row in rows]
        return [{**one, "search": json.loads(one["search"])} for one in found]

    def told(self) -> str:
        """Everything that was logged."""
        return self.log.read_text("utf-8") if self.log.exists() else ""

    @property
    def _where(self) -> list[str]:
        return ["--project", str(self.project), "--state", str(self.state)]

    def _begin(self, arguments: list[str], crash: str, out: Path, *, fresh: bool) -> Life:
        environ = {**self.environ, **({"TILLFLOW_CRASH_AT": crash} if crash else {})}
        before = self._lives()
        if fresh:
            command = [sys.executable, "-m", "engine.cli", *arguments]
            with out.open("ab") as stdout, self.log.open("ab") as stderr:
                return Life(subprocess.Popen(command, env=environ, stdout=stdout, stderr=stderr, cwd=ROOT), before)
        call = (arguments, environ, str(out), str(self.log))
        process = context.Process(target=forked.tillflow, args=call, daemon=True)
        with _lock:
            process.start()
        return Life(process, before)

    # --- waiting -----------------------------------------------------------------------------------------------------

    def quiet(self, life: Life, within: float = PATIENCE) -> bool:
        """Wait until it runs and nothing moves any more. False when the life ended before that."""
        until = time.monotonic() + within
        while life.code is None:
            moving = self.moving() if self._lives() > life.before else {"it does not run yet": 1}
            if not moving:
                return True
            assert time.monotonic() < until, (
                f"it does not come to an end; what moves: {moving}; log: {self.told()[-2000:]}"
            )
            time.sleep(0.1)
        return False

    def died(self, life: Life) -> int:
        """Wait for the death it is armed for; fails the test when it comes to rest instead."""
        at_rest = self.quiet(life)  # the point may lie a moment behind the last thing that moves
        return life.ended(5.0 if at_rest else PATIENCE)

    def until(self, life: Life, happened: Any, within: float = PATIENCE) -> None:
        """Wait for something while a process lives."""
        until = time.monotonic() + within
        while not happened():
            assert life.code is None, f"the process ended with {life.code}: {self.told()[-2000:]}"
            assert time.monotonic() < until, f"it did not happen within {within:g} s; log: {self.told()[-2000:]}"
            time.sleep(0.02)

    def running(self, life: Life) -> Life:
        """Wait until it takes in events."""
        self.until(life, lambda: self._lives() > life.before)
        return life

    def _lives(self) -> int:
        """How many lives have come so far that they run, as the log says."""
        return self.told().count('"text": "running"')

    def moving(self) -> dict[str, int]:
        """What still moves: files nobody took yet, and rows of the transport and of steps that go on by themselves."""
        counts = {"files": sum(1 for file in self.inbox.iterdir() if not file.name.startswith("."))}
        if not self.database.exists():
            return counts | {"no database yet": 1}
        try:
            with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
                for name, sql in _MOVING.items():
                    counts[name] = database.execute(sql).fetchone()[0]
        except sqlite3.Error as error:  # it is just being made
            return counts | {str(error): 1}
        return {name: count for name, count in counts.items() if count}


_MOVING = {
    "in queues": "select count(*) from item",
    "held for their turn": "select count(*) from held",
    "groups": "select count(*) from grouping where state <> 'done'",
    # that of a group whose trailer came stays until its time: nobody waits for it
    "timers": "select count(*) from timer where done = 0 and due < (strftime('%s') + 60) * 1000000",
}

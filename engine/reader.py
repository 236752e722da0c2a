"""A process beside the engine that reads and compiles the project when its files change, so that no event waits for it.

The engine asks it through its standard input and output: messages with their length before them (see `send`).
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from engine.core.errors import Transient
from engine.core.findings import Finding
from engine.loading import Loaded
from engine.runtime.cell import Log
from engine.runtime.reload.wanted import Wanted
from engine.settings import Settings

COMMAND: Final = (sys.executable, "-m", "engine.cli.project_reader")
FIRST_AFTER: Final = 3.0  # seconds of an engine's life before it is started unasked: starting is work enough
AGAIN_AFTER: Final = 5.0  # seconds until one that ended is started again
ANSWER_WITHIN: Final = 60.0
ENDS_WITHIN: Final = 5.0  # seconds after its input ended
TESTED_WITHIN: Final = 300.0  # tests of many routes in many regions


@dataclass(frozen=True)
class Reading:
    """What the reader says of the files: those that are others than in its last message, and those that are gone."""

    digest: str
    plans: dict[str, str]
    errors: list[str]
    files: dict[str, bytes]
    gone: list[str]


class ReaderProcess:
    """The process as the engine sees it: a `Reader`, and where tests of routes run. `run` until cancelled."""

    def __init__(self, settings: Settings, log: Log) -> None:
        self._settings = settings
        self._log = log
        self._born = time.monotonic()
        self._process: asyncio.subprocess.Process | None = None
        self._files: dict[str, bytes] = {}
        self._latest: Wanted | None = None
        self._news: Wanted | None = None
        self._asked: list[asyncio.Future[Any]] = []
        self._wanted = asyncio.Event()  # somebody asks: of several processes only the one that watches needs it
        self._urgent = asyncio.Event()
        self._begun = asyncio.Event()

    def hurry(self) -> None:
        """Look as soon as it runs: the files are known to be other than what runs."""
        self._urgent.set()

    async def changed(self) -> Wanted | None:
        self._wanted.set()
        found, self._news = self._news, None
        return found

    async def now(self) -> Wanted:
        await self._ask({"do": "look"})
        assert self._latest is not None
        return self._latest

    async def test(self, files: Mapping[str, bytes], changed: Mapping[str, Collection[str]]) -> list[str]:
        """Run the tests of these routes, where they are others now, over these files; a line for each that fails."""
        others = {path: content for path, content in files.items() if self._files.get(path) != content}
        gone = sorted(self._files.keys() - files.keys())
        where = {route: sorted(places) for route, places in changed.items()}
        request = {"do": "test", "changed": where, "files": others, "gone": gone}
        answer = await self._ask(request, TESTED_WITHIN)
        return [str(line) for line in answer]

    async def run(self) -> None:
        """Keep the process running and listen to it."""
        await self._wanted.wait()
        with suppress(TimeoutError):  # a pause that may end early
            async with asyncio.timeout(self._born + FIRST_AFTER - time.monotonic()):
                await self._urgent.wait()
        while True:
            try:
                await self._live()
            finally:
                self._give_up()
            self._log("the process that reads the project ended; starting it again", {"level": "warning"})
            await asyncio.sleep(AGAIN_AFTER)

    async def _live(self) -> None:
        settings = self._settings
        command = (*COMMAND, "--project", str(settings.project), "--state", str(settings.state))
        pipe, environ = asyncio.subprocess.PIPE, {**os.environ, "TILLFLOW_WORKERS": "1"}
        self._process = process = await asyncio.create_subprocess_exec(
            *command,
            stdin=pipe,
            stdout=pipe,
            env=environ,
            process_group=0,  # Ctrl-C is the engine's, which ends this process; one that still starts would tell a traceback
        )
        self._files = {}
        self._begun.set()
        try:
            assert process.stdout is not None
            while message := await _message(process.stdout):
                self._hear(message)
        finally:
            if process.stdin is not None:
                process.stdin.close()  # which ends it
            await _ended(process)
            self._process = None
            self._begun.clear()

    def _hear(self, message: Mapping[str, Any]) -> None:
        if message["what"] == "tests":
            self._answered(message["failures"])
            return
        reading = msgspec.convert(message["reading"], Reading)
        self._files = {path: content for path, content in self._files.items() if path not in reading.gone}
        self._files |= reading.files
        before = self._latest
        self._latest = Wanted(dict(self._files), reading.digest, reading.plans, tuple(reading.errors))
        if message["what"] == "changed" or before is None or self._latest != before:
            self._news = self._latest  # also where somebody asked: who only wanted to know must not hide it
        if message["what"] == "looked":
            self._answered(None)

    def _answered(self, value: Any) -> None:
        asked = self._asked.pop(0)
        if not asked.done():
            asked.set_result(value)

    async def _ask(self, request: Mapping[str, Any], within: float = ANSWER_WITHIN) -> Any:
        """Answers come in the order of questions."""
        self._wanted.set()
        self._urgent.set()
        asked: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(within):
                await self._begun.wait()
                assert self._process is not None and self._process.stdin is not None
                self._asked.append(asked)
                self._process.stdin.write(packed(request))
                return await asked
        except TimeoutError:
            raise Transient("no-reader", f"no answer within {within:g} s") from None

    def _give_up(self) -> None:
        for asked in self._asked:
            if not asked.done():
                asked.set_exception(Transient("no-reader", "the process that reads the project ended"))
        self._asked.clear()


class ReadOnce:
    """A `Reader` where no engine runs: the files as a command read them. Their tests run in a process of their own."""

    def __init__(self, settings: Settings, loaded: Loaded) -> None:
        self._settings = settings
        self._loaded = loaded

    async def changed(self) -> Wanted | None:
        return None

    async def now(self) -> Wanted:
        errors = tuple(line_of(one) for one in self._loaded.findings if one.severity == "error")
        return Wanted(self._loaded.sources, errors=errors) if errors else Wanted.of(self._loaded.routeset)

    async def test(self, files: Mapping[str, bytes], changed: Mapping[str, Collection[str]]) -> list[str]:
        """Run the tests of these routes, where they are others now, over these files; a line for each that fails."""
        reader = ReaderProcess(self._settings, lambda text, facts: None)
        async with running(reader):
            return await reader.test(files, changed)


def line_of(finding: Finding) -> str:
    """A finding in one line: `file:line:column code message (help)`."""
    mark = finding.mark
    help = f" ({finding.help})" if finding.help else ""
    return f"{mark.file}:{mark.line}:{mark.column} {finding.code} {finding.message}{help}"


@asynccontextmanager
async def running(reader: ReaderProcess) -> AsyncIterator[None]:
    """Keep the process running until the block ends."""
    task = asyncio.create_task(reader.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def packed(message: Any) -> bytes:
    """A message with its length before it."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(8, "big") + body


async def _ended(process: asyncio.subprocess.Process) -> None:
    """It has ended, at the latest when it was killed: one that is lost in a calculation must not hold the engine's stop."""
    try:
        async with asyncio.timeout(ENDS_WITHIN):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _message(stream: asyncio.StreamReader) -> Any:
    """The next one; None at the end."""
    try:
        length = int.from_bytes(await stream.readexactly(8), "big")
        return msgspec.msgpack.decode(await stream.readexactly(length))
    except asyncio.IncompleteReadError:
        return None

"""One run of `dev`: an engine on a temporary folder, told of every change of the files, until it is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec import structs

from engine.app import engine_cell
from engine.cli.dev.answers import Answers
from engine.cli.dev.events import Feeder
from engine.cli.dev.screen import Screen
from engine.cli.dev.standins import standing_in
from engine.cli.dev.taps import tapped_store, tapped_transport
from engine.compile.diff import other_places
from engine.compile.partial import build
from engine.compile.plan import RouteSet
from engine.core.errors import Failure
from engine.core.findings import has_errors
from engine.core.wording import counted
from engine.loading import Loaded, load, load_files
from engine.plugins.contracts import SinkItem
from engine.ports.store.revisions import Revision
from engine.reader import ReaderProcess, running
from engine.runtime.cell import Cell
from engine.runtime.engine import Engine
from engine.runtime.reload.wanted import Project, Wanted
from engine.runtime.reload.watching import RIGHT_AGAIN
from engine.runtime.tables import FolderFiles
from engine.settings import Settings
from engine.testing.runner.standins import asking_contexts

LOOK = 0.1
PATIENCE = 2.0  # seconds for what is in hand at the end


class Session:
    """`run` until a signal comes."""

    def __init__(self, settings: Settings, drops: Path, screen: Screen) -> None:
        self._settings = settings
        self._drops = drops
        self._screen = screen
        self._stop = asyncio.Event()
        self._process = ReaderProcess(settings, lambda text, facts: None)
        self._answers = Answers(os.environ)
        self._wrong = False  # the last save was not taken

    async def run(self) -> None:
        """Wait for a project without errors, then have it run, and again as it changes."""
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sign, self._stop.set)
        async with running(self._process):
            loaded = await self._without_errors()
            if loaded is None:
                return
            async with engine_cell(self._settings, log=self._log) as cell:
                await self._at_work(cell, loaded)

    async def _without_errors(self) -> Loaded | None:
        """The project, once it can run; None when it is stopped before."""
        while not self._stop.is_set():
            loaded = await asyncio.to_thread(load, self._settings)
            self._screen.findings(loaded.findings, loaded.sources)
            if not has_errors(loaded.findings):
                return loaded
            self._screen.say("waiting until this is corrected", "bold")
            if (await self._process.now()).errors:  # it may be corrected already
                await self._process.changed()
                await self._next_change()
        return None

    async def _next_change(self) -> None:
        while not self._stop.is_set():
            if await self._process.changed() is not None:
                return
            await asyncio.sleep(LOOK)

    async def _at_work(self, cell: Cell, loaded: Loaded) -> None:
        engine = self._made(cell, loaded)
        await engine.start()
        feeder = Feeder(engine, self._drops, self._screen)
        tasks = [asyncio.create_task(one) for one in (feeder.run(), self._keep_up(engine))]
        try:
            self._welcome(engine)
            await self._stop.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await engine.stop(patience=PATIENCE)
            self._screen.say("stopped; nothing is left of it")

    def _made(self, cell: Cell, loaded: Loaded) -> Engine:
        """An engine on stand-ins. Plans are compiled with the real plugins, so that they are the same ones elsewhere."""
        settings = self._settings

        def older(files: Mapping[str, bytes]) -> RouteSet:
            return load_files(files, settings, loaded.registry)

        async def built(revision: Revision, before: RouteSet) -> RouteSet:
            return await asyncio.to_thread(build, revision.files, revision.id, revision.plans, before, older)

        def captured(item: SinkItem) -> None:
            self._screen.captured(item.key, item.action, item.request)

        def told(route: str, text: str) -> None:
            self._screen.say(f"{route}: {text}")

        def synchronous(route: str) -> bool:
            plan = engine.plans.current(route)
            return plan is not None and plan.reply is not None

        registry = standing_in(loaded.registry, self._drops, captured, self._answers, told, synchronous)
        shown = replace(
            cell,
            transport=tapped_transport(cell.transport, self._screen),
            store=tapped_store(cell.store, self._screen),
        )
        project = Project(_Noticed(self._process, self._noticed), built, self._process.test)
        engine = Engine(shown, registry, loaded.routeset, older, FolderFiles(settings.project), None, project)
        contexts = engine.shared.around.contexts
        assert contexts is not None
        engine.shared.around = structs.replace(engine.shared.around, contexts=asking_contexts(contexts))
        return engine

    def _welcome(self, engine: Engine) -> None:
        say, many = self._screen.say, len(engine.plans.all())
        say(
            f"{counted(many, 'route')} {'runs' if many == 1 else 'run'} on stand-ins: nothing is read from or sent to another system.",
            "bold",
        )
        say("Save a file and it is checked, tested and runs. Drop files here to have them taken in:")
        for plan in engine.plans.all():
            what = plan.source.event or plan.source.use
            say(f"  {self._drops / plan.route}/  ({what})")
        say("Ctrl-C ends it.\n")

    # --- as the files change -----------------------------------------------------------------------------------------

    async def _noticed(self, wanted: Wanted) -> None:
        """Files changed: say what is wrong with them, with excerpts."""
        if wanted.errors:
            loaded = await asyncio.to_thread(load, self._settings)
            errors = [one for one in loaded.findings if one.severity == "error"]
            self._screen.findings(errors, loaded.sources)
            self._screen.say("what ran before runs on", "bold")
        elif self._wrong and self._answers.routeset is not None and wanted.digest == self._answers.routeset.digest:
            self._screen.say("corrected: the files are what runs", "bold green")
        self._wrong = bool(wanted.errors)

    async def _keep_up(self, engine: Engine) -> None:
        """Whenever another RouteSet runs: its answers, and the tests of what is new in it. Until cancelled."""
        known: RouteSet | None = None
        while True:
            now = engine.plans.routeset
            if now is not known:
                changed = other_places(known, now)
                known = self._answers.routeset = now
                await self._tests(now, changed)
            await asyncio.sleep(LOOK)

    async def _tests(self, routeset: RouteSet, changed: Mapping[str, Collection[str]]) -> None:
        if not changed:
            return
        try:
            failures = await self._process.test(routeset.files, changed)
        except Failure as failure:
            failures = [str(failure)]
        for line in failures:
            self._screen.say(f"test: {line}", "bold red")
        if not failures:
            self._screen.say(f"tests of {', '.join(changed)}: passed", "green")

    def _log(self, text: str, facts: Mapping[str, Any]) -> None:
        """What the engine says of itself, but for what is told with excerpts."""
        if text == "runs":
            self._screen.say(f"revision {facts['number']} runs", "bold green")
        elif text == RIGHT_AGAIN:
            return  # told when they were read
        elif text.startswith("these files "):
            self._not_taken(text, str(facts.get("why", "")))
        else:
            self._screen.say(" ".join((text, *(f"{name}={value}" for name, value in facts.items()))), "dim")

    def _not_taken(self, text: str, why: str) -> None:
        """A save that is not run; errors were told with excerpts."""
        self._wrong = True
        if not text.startswith("these files have errors"):
            self._screen.say(f"{text}:", "bold red")
            self._screen.say(f"  {why}")


class _Noticed:
    """The reader as the engine sees it; what it brings is shown first."""

    def __init__(self, process: ReaderProcess, notice: Callable[[Wanted], Awaitable[None]]) -> None:
        self._process = process
        self._notice = notice

    async def changed(self) -> Wanted | None:
        found = await self._process.changed()
        if found is not None:
            await self._notice(found)
        return found

    async def now(self) -> Wanted:
        return await self._process.now()

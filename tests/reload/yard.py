"""An engine over files that change while it runs, on SQLite in virtual time or on RabbitMQ in real time."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from connectors.core.formats import connector as formats
from engine.compile.compiler import compile_project
from engine.config.project import read_project_from
from engine.core.errors import Permanent
from engine.plugins.contracts import Arrival, Source, SourceContext
from engine.plugins.fields import Options
from engine.plugins.registry import Registry
from engine.plugins.spec import Connector, source
from engine.ports.transport import Address
from engine.runtime.engine import Engine
from engine.runtime.people.replay import Who
from engine.runtime.reload.wanted import Project, Wanted
from engine.steps import BUILTIN
from engine.testing.clock import run_virtual
from engine.testing.runner.changed import failures
from tests.backends.test_rabbitmq_runtime import RabbitBench
from tests.rabbitmq_broker import broker, fresh_names
from tests.runtime.lab import Bench, bench, lab_connector, project, sale
from tests.runtime.routes import SALES


class Yard:
    """Files, and an engine that watches them.

    files     what stands in the project's folder now; change it and call `saved`
    lives     what became of sources that only one process may run: (route's `only`, "begins" | "ends")
    subscribed   every subscription that was made, in order: a consumer that stays adds none
    failing   lines that the tests of a route give, besides those of its own tests
    tested    what was tested before a swap: where each route was another one
    """

    def __init__(self, made: Bench) -> None:
        self.made = made
        self.lab = made.lab
        self.clock = made.clock
        self.files: dict[str, str] = dict(SALES)
        self.lives: list[tuple[str, str]] = []
        self.holds = 0.0
        self.failing: list[str] = []
        self.tested: list[dict[str, list[str]]] = []
        self._read: Mapping[str, str] | None = None
        self.subscribed: list[Address] = []
        made.registry = Registry([formats, lab_connector(made.lab), self._connector()], BUILTIN)
        self._count_subscriptions(made.transport)

    def _count_subscriptions(self, transport: Any) -> None:
        subscribe = transport.subscribe

        async def counted(queue: Address, prefetch: int) -> Any:
            self.subscribed.append(queue)
            return await subscribe(queue, prefetch)

        transport.subscribe = counted

    # --- files -------------------------------------------------------------------------------------------------------

    async def changed(self) -> Wanted | None:
        if self._read == self.files:
            return None
        return await self.now()

    async def now(self) -> Wanted:
        self._read = dict(self.files)
        whole = project(self.files)
        known, found = read_project_from(whole, {})
        routeset, more = compile_project(known, self.made.registry, self.made.secrets)
        errors = [
            f"{one.mark.file}:{one.mark.line}:{one.mark.column} {one.code} {one.message}"
            for one in (*found, *more)
            if one.severity == "error"
        ]
        return Wanted(whole, errors=tuple(errors)) if errors else Wanted.of(routeset)

    async def test(self, files: Mapping[str, bytes], changed: Mapping[str, Collection[str]]) -> list[str]:
        """As the process beside an engine runs them, in this one."""
        self.tested.append({route: list(places) for route, places in changed.items()})
        with ThreadPoolExecutor(1) as beside:  # where no loop runs yet
            found = beside.submit(lambda: list(failures(files, changed, {}, self.made.registry))).result()
        return [*self.failing, *found]

    def wanted(self) -> Wanted:
        """The files as they are, compiled."""
        return Wanted.of(self.made.compiled(project(self.files)))

    def replace(self, path: str, old: str, new: str) -> None:
        """Edit a file."""
        assert old in self.files[path]
        self.files[path] = self.files[path].replace(old, new)

    # --- the engine --------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Engine]:
        self._read = dict(self.files)
        self.made.reading = Project(self, None, self.test)
        engine = self.made.engine(self.files)
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop()

    async def until(self, met: Callable[[], bool | Awaitable[bool]], within: float = 30.0) -> None:
        """Wait until it holds."""
        end = self.clock.monotonic() + within
        while True:
            answer = met()
            if answer if isinstance(answer, bool) else await answer:
                return
            assert self.clock.monotonic() < end, f"it did not happen in time: {self.lab.logged[-5:]}"
            await self.clock.sleep(0.02)

    async def saved(self, engine: Engine, within: float = 30.0) -> None:
        """Wait until what stands in the files runs."""
        digest = self.wanted().digest
        await self.until(lambda: engine.plans.revision == engine.reload.runs == digest, within)

    async def refused(self, engine: Engine) -> str:
        """Wait until an edit is not taken; answers why."""

        def told() -> bool:
            return engine.reload.last_error is not None

        await self.until(told)
        before = engine.plans.revision
        await self.clock.sleep(1.0)
        assert engine.plans.revision == before
        return "\n".join(engine.reload.last_error["problems"])  # type: ignore[index]

    async def sells(self, *receipts: str) -> None:
        """These sales come in and are posted."""
        self.lab.offer([sale(receipt) for receipt in receipts], f"{receipts[0]}.json")
        await self.until(lambda: set(receipts) <= {request["reference"] for request in self.lab.requests("post")})

    def posted(self) -> list[str]:
        """References that were posted, in order."""
        return [request["reference"] for request in self.lab.requests("post")]

    # --- a source that only one process may run ----------------------------------------------------------------------

    def _connector(self) -> Connector:
        yard = self

        @source("drip")
        class Drip(Source):
            """Brings what the lab offers, in one place at a time."""

            exclusive = True

            class Config(Options):
                only: str = Field("", description="which life this is")

            def __init__(self, config: Any, connection: Any, route: str) -> None:
                self._only = config.only

            async def arrivals(self, ctx: SourceContext) -> AsyncIterator[Arrival]:
                if self._only == "broken":
                    raise Permanent("no-such-folder", "there is nothing to read here")
                yard.lives.append((self._only, "begins"))
                try:
                    while True:
                        yield await yard.lab.inbox.get()
                finally:
                    yard.lives.append((self._only, "ends"))

            async def close(self) -> None:
                if yard.holds:
                    await yard.clock.sleep(yard.holds)

        return Connector("drip", (Drip,), None, "for tests")


WHO = Who("ana", "a test")
Story = Callable[[Yard], Coroutine[Any, Any, None]]


def on_both(story: Story) -> Any:
    """A story on SQLite in virtual time, and on RabbitMQ in real time."""

    @functools.wraps(story)
    @pytest.mark.parametrize("carrier", ["sqlite", pytest.param("rabbitmq", marks=pytest.mark.services)])
    def test(carrier: str, tmp_path: Path) -> None:
        if carrier == "sqlite":
            run_virtual(_virtual(story))
        else:
            asyncio.run(_real(story, tmp_path))

    del test.__wrapped__  # type: ignore[attr-defined]  # pytest would ask for the story's own arguments
    return test


def on_sqlite(story: Story) -> Any:
    """The same in virtual time alone: for what waits long."""

    @functools.wraps(story)
    def test() -> None:
        run_virtual(_virtual(story))

    del test.__wrapped__  # type: ignore[attr-defined]
    return test


async def _virtual(story: Story) -> None:
    async with bench() as made:
        await story(Yard(made))


async def _real(story: Story, folder: Path) -> None:
    broker()
    made = RabbitBench(fresh_names(), folder)
    await made.transport.open()
    await made.store.open()
    try:
        await story(Yard(made))
    finally:
        await made.store.close()
        await made.transport.close()

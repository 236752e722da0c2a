"""A cell on RabbitMQ belongs to one store, and over a SQLite store to one engine. Against a real broker."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.backends.rabbitmq import Names, RabbitTransport, admin, owning
from engine.backends.rabbitmq.belonging import Belongs
from engine.backends.rabbitmq.control import Control
from engine.backends.rabbitmq.layout import layout
from engine.backends.rabbitmq.owning import SecondOwner
from engine.cells import engine_cell
from engine.core.clock import SystemClock
from engine.core.errors import SettingsError
from engine.ports.transport import Address, Topology
from engine.runtime.cell import Cell
from engine.settings import Settings
from tests import postgres_server
from tests.backends.test_rabbitmq_faults import controlled, opened, steer, until
from tests.cli.conftest import Tillflow
from tests.cli.conftest import project as project
from tests.cli.conftest import tillflow as tillflow
from tests.rabbitmq_broker import broker, fresh_names, user_of

pytestmark = pytest.mark.services
anyio = pytest.mark.anyio
HERE, THERE = Belongs("a1", "the SQLite database on host `here`"), Belongs("b2", "the SQLite database on host `there`")


@pytest.fixture
def names() -> Names:
    broker()
    return fresh_names()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for an owner to be gone, unless a test says so."""
    monkeypatch.setattr(owning, "NOTICED", 0.0)


@pytest.fixture
def dsn() -> str:
    return postgres_server.needed_server()


def settings(folder: Path, names: Names, **more: Any) -> Settings:
    return Settings(folder, folder / "state", transport=broker().url, cell=names.prefix, **more)


@asynccontextmanager
async def cell(settings: Settings) -> AsyncIterator[Cell]:
    async with engine_cell(settings, log=lambda text, facts: None) as one:
        yield one


# --- one engine over a store that cannot be shared -------------------------------------------------------------------


@anyio
async def test_a_second_one_is_refused_and_comes_in_when_the_first_has_gone(names: Names) -> None:
    async with opened(names, sole=True):
        with pytest.raises(SecondOwner, match=r"another engine works in this cell.*owner.*--store postgresql"):
            async with opened(names, sole=True):
                pass
    async with opened(names, sole=True):
        pass


@anyio
async def test_one_that_was_left_by_a_former_one_just_now_is_waited_for(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owning, "NOTICED", 20.0)
    async with AsyncExitStack() as former:
        await former.enter_async_context(opened(names, sole=True))
        told: list[str] = []

        async def leave() -> None:
            await until(lambda: bool(told))
            await former.aclose()

        leaving = asyncio.create_task(leave())
        log = lambda text, facts: told.append(text)  # noqa: E731
        async with opened(names, sole=True, log=log) as one:
            assert not one.problems()
        await leaving
    assert "another engine holds the cell" in told[0]


@anyio
async def test_it_is_taken_again_after_every_loss(names: Names) -> None:
    async with opened(names, sole=True) as one:
        await one.declare(Topology((Address("route", "sales"),)))

        async def held() -> bool:
            async with controlled() as control:
                return (await control.counts(names.own_queue("owner"))).consumers == 1

        # when its connection is closed, or the queue is deleted under it
        for broken in ("connection", "queue"):
            before = one._consuming.connections
            if broken == "connection":
                await steer("close_all_connections", "--vhost", broker().vhost, "closed by a test")
            else:
                async with controlled() as control:
                    await control.delete(names.own_queue("owner"))
            await until(lambda before=before: one._consuming.connections > before)  # type: ignore[misc]
            await until(lambda: not one.problems())
            # then it holds it again
            assert await held()
            with pytest.raises(SecondOwner):
                async with opened(names, sole=True):
                    pass


@anyio
async def test_who_comes_back_and_finds_another_consumes_nothing_and_says_so(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a long stop: the broker let go of it, and a copy of its state folder runs elsewhere by now."""
    monkeypatch.setattr(owning, "NOTICED", 20.0)
    async with opened(names, sole=True) as one:
        await one.declare(Topology((Address("route", "sales"),)))
        subscription = await one.subscribe(Address("route", "sales"), 10)
        async with AsyncExitStack() as later:
            taking = asyncio.create_task(later.enter_async_context(opened(names, sole=True)), name="the copy")
            while not taking.done():  # until it comes in first
                if one._consuming.wire is not None:
                    one._consuming.reset("lost by a test")
                await asyncio.sleep(0.05)
            await taking
            one._consuming.reset("lost by a test")
            await until(lambda: "another engine" in one.problems().get("connection/consume", ""))
            assert not subscription.consuming  # type: ignore[attr-defined]
        await until(lambda: not one.problems())


@anyio
async def test_it_needs_no_right_to_configure(names: Names) -> None:
    control = Control(broker().url)
    await admin.apply(control, layout(names, Topology(())))
    await control.close()
    one, other = (
        RabbitTransport(user_of("engine"), SystemClock(), names=names, mode="verify", sole=True) for _ in range(2)
    )
    await one.open()
    try:
        await one.belong(HERE)
        with pytest.raises(SecondOwner):
            await other.open()
    finally:
        await one.close()


# --- one store -------------------------------------------------------------------------------------------------------


@anyio
async def test_a_cell_belongs_to_the_first_store(names: Names) -> None:
    async with opened(names) as one:
        await one.belong(HERE)
        await one.belong(HERE)
        async with opened(names) as other:
            with pytest.raises(SettingsError, match=r"used with .*`here`.*has .*`there`.*topology adopt"):
                await other.belong(THERE)


@anyio
async def test_of_two_that_begin_at_once_one_has_it(names: Names) -> None:
    async with opened(names) as one, opened(names) as other:
        said = await asyncio.gather(one.belong(HERE), other.belong(THERE), return_exceptions=True)
        assert [type(answer) for answer in said if answer is not None] == [SettingsError]
        assert one._directory.belongs == other._directory.belongs


@anyio
async def test_it_is_known_when_the_directory_was_deleted(names: Names) -> None:
    async with opened(names) as one, controlled() as control:
        await one.belong(HERE)
        await control.delete(names.own_queue("directory"))
        await until(lambda: not one.problems())
        async with opened(names) as other:
            await until(lambda: other._directory.belongs == HERE)


@anyio
async def test_one_that_still_runs_when_the_cell_is_given_away_says_so(names: Names) -> None:
    async with opened(names) as one:
        await one.belong(HERE)
        async with opened(names) as other:
            await other.belong(THERE, adopt=True)
            await until(lambda: "`there`" in one.problems().get("store", ""))


# --- whole engines ---------------------------------------------------------------------------------------------------


@anyio
async def test_two_hosts_with_a_sqlite_store_each_are_one_too_many(names: Names, tmp_path: Path) -> None:
    a, b = settings(tmp_path / "a", names), settings(tmp_path / "b", names)
    async with cell(a):
        pass
    # one after the other
    with pytest.raises(SettingsError, match="this cell of RabbitMQ belongs to another store"):
        async with cell(b):
            pass
    async with cell(a):
        pass


@anyio
async def test_a_copy_of_a_state_folder_is_noticed_while_both_run(names: Names, tmp_path: Path) -> None:
    a = settings(tmp_path / "a", names)
    async with cell(a):
        pass
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    async with cell(a):
        with pytest.raises(SecondOwner):
            async with cell(settings(tmp_path / "b", names)):
                pass


@anyio
async def test_two_databases_at_one_cell_are_noticed(names: Names, tmp_path: Path, dsn: str) -> None:
    try:
        first = settings(tmp_path / "a", names, store=dsn)
        async with cell(first), cell(settings(tmp_path / "b", names, store=dsn)):  # two hosts of one store
            second = _Elsewhere(
                tmp_path / "c", tmp_path / "c/state", transport=broker().url, store=dsn, cell=names.prefix
            )
            with pytest.raises(SettingsError, match="belongs to another store"):
                async with cell(second):
                    pass
    finally:
        for schema in (names.prefix, f"{names.prefix}_else"):
            await postgres_server.run(dsn, f"DROP SCHEMA IF EXISTS {schema} CASCADE")


class _Elsewhere(Settings):
    """A schema of its own stands for a second database."""

    @property
    def schema(self) -> str:
        return f"{self.cell}_else"


def test_a_lost_store_is_let_go_by_a_person(
    names: Names, tmp_path: Path, project: Path, tillflow: Tillflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILLFLOW_TRANSPORT", broker().url)
    monkeypatch.setenv("TILLFLOW_CELL", names.prefix)
    monkeypatch.setenv("TILLFLOW_STATE", str(tmp_path / "b/state"))
    b = settings(tmp_path / "b", names)
    b.state.mkdir(parents=True)

    async def at_work() -> None:
        async with cell(settings(tmp_path / "a", names)):
            said = await asyncio.to_thread(tillflow, "topology", "adopt", "--project", project)
            assert said.code == 2 and "stop every engine of it first" in said.err

    asyncio.run(at_work())
    # when all are stopped
    said = tillflow("topology", "adopt", "--project", project)
    assert said.code == 0, said.err
    assert f"belongs to the SQLite database {b.database}" in said.out.replace("\n", "")

    async def begins() -> None:
        async with cell(b):
            pass
        with pytest.raises(SettingsError, match="belongs to another store"):
            async with cell(settings(tmp_path / "a", names)):
                pass

    asyncio.run(begins())

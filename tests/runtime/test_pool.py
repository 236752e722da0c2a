"""Opened connections: shared, opened once, closed when nobody wants or uses them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from engine.core.errors import Permanent, Transient
from engine.plugins.contracts import ConnectorContext, SinkItem
from tests.runtime.support import (
    FakeConnection,
    World,
    bench,
    delivery,
    plan,
    planned_connection,
    planned_sink,
    virtual,
)


@virtual
async def test_it_is_opened_once_and_shared() -> None:
    async with bench() as b:
        planned = planned_connection(b.world)

        async def use() -> Any:
            async with b.pool.connection(planned) as connection:
                await asyncio.sleep(1)
                return connection

        first, *others = await asyncio.gather(*[use() for _ in range(5)])

        assert first.open_now and all(other is first for other in others)
        async with b.pool.sink(planned, "fake") as one, b.pool.sink(planned, "fake") as two:
            assert one is two


@virtual
async def test_one_that_is_not_wanted_any_more_is_closed_when_its_last_use_ends() -> None:
    async with bench() as b:
        old, new = planned_connection(b.world), replace(planned_connection(b.world), digest="new")
        async with b.pool.connection(old) as used:
            async with b.pool.connection(new) as wanted:
                pass
            await b.pool.keep([new])
            assert used.open_now

        assert not used.open_now and wanted.open_now


@virtual
async def test_one_that_cannot_be_opened_is_tried_again_with_the_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench() as b:
        opened: list[float] = []

        async def refuses_at_first(self: FakeConnection) -> None:
            opened.append(b.clock.monotonic())
            if len(opened) < 3:
                raise OSError("name not known")

        monkeypatch.setattr(FakeConnection, "open", refuses_at_first)
        await b.publish(delivery())

        await b.run_until_quiet()

        assert len(opened) == 3 and len(b.world.effects) == 1
        assert (await b.ledger(delivery())).attempt == 3


@virtual
async def test_a_connector_that_is_not_installed_is_said() -> None:
    async with bench() as b:
        with pytest.raises(Permanent, match=r"erp\.nowhere is not installed"):
            async with b.pool.connection(replace(planned_connection(b.world), connector="erp.nowhere", digest="x")):
                pass


@virtual
async def test_a_corrected_connection_heals_what_waits() -> None:
    wrong, right = World(), World()
    async with bench(world=wrong, connection=planned_connection(wrong, breaker_failures=2)) as b:

        async def nobody_there(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            raise Transient("unreachable")

        wrong.script = nobody_there
        await b.publish(*[delivery(number) for number in range(1, 6)])
        running = asyncio.create_task(b.run_until_quiet())
        await b.clock.sleep(100)

        corrected = replace(planned_connection(right), digest="corrected")
        b.use(plan(planned_sink()), connection=corrected)
        await running

        assert len(right.effects) == 5 and wrong.effects == []

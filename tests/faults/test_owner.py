"""One engine over a store that cannot be shared keeps its cell for itself, also when the broker was killed meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from engine.backends.rabbitmq import owning
from engine.backends.rabbitmq.owning import SecondOwner
from engine.cells import engine_cell
from engine.core.errors import SettingsError
from engine.settings import Settings
from tests.backends.test_rabbitmq_faults import until
from tests.faults.own import OwnBroker
from tests.rabbitmq_broker import fresh_names

pytestmark = [pytest.mark.services, pytest.mark.anyio]

BROKER_KEEPS = 5.0  # seconds until a broker brings its first stream back after a kill; before, 3.10.8 never does


async def test_after_a_broker_was_killed_the_first_engine_has_the_cell_again_and_a_second_is_refused(
    own_broker: OwnBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owning, "NOTICED", 0.0)
    prefix = fresh_names().prefix

    def cell(name: str) -> Any:
        settings = Settings(tmp_path, tmp_path / name, transport=own_broker.broker.url, cell=prefix)
        return engine_cell(settings, log=lambda text, facts: None)

    async with cell("first") as first:
        assert not first.transport.problems()
        await asyncio.sleep(BROKER_KEEPS)
        await asyncio.to_thread(own_broker.kill)
        await until(lambda: bool(first.transport.problems()))
        await asyncio.to_thread(own_broker.resume)
        await until(lambda: not first.transport.problems(), within=60.0)

        with pytest.raises(SecondOwner, match="another engine works in this cell"):
            async with cell("second"):
                pass
        assert not first.transport.problems()
    # and what the broker lost of it is known again: whose store the cell belongs to
    with pytest.raises(SettingsError, match="belongs to another store"):
        async with cell("second"):
            pass

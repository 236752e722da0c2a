"""Fixtures of the fault stories: services of their own, and the ground a story stands on, over each data plane."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.faults.own import OwnBroker, OwnPostgres
from tests.faults.story import Ground, Story, told
from tests.planes import PLANES
from tests.postgres_server import needed_server
from tests.proof.conftest import Outside
from tests.proof.conftest import outside as outside
from tests.rabbitmq_broker import broker

Make = Callable[..., Story]


@pytest.fixture(params=list(PLANES), scope="session")
def plane(request: pytest.FixtureRequest) -> str:
    """A data plane; every story is told over each."""
    return str(request.param)


@pytest.fixture(scope="session")
def own_broker() -> Iterator[OwnBroker]:
    """Ours alone; up at the beginning of each test that leaves it up."""
    one = OwnBroker()
    yield one
    one.end()


@pytest.fixture(scope="session")
def own_postgres() -> Iterator[OwnPostgres]:
    """Ours alone."""
    one = OwnPostgres()
    yield one
    one.end()


@pytest.fixture
def ground(outside: Outside, plane: str) -> Ground:
    """The servers all tests share."""
    return Ground(broker(), needed_server(), outside, plane)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes a story that is cleared away in the end: `make(ground, ..)`; see Story."""
    with ExitStack() as stack:

        def one(ground: Ground, *arguments: Any, name: str = "place", **more: Any) -> Story:
            return stack.enter_context(told(Story(tmp_path / name, ground, *arguments, **more)))

        yield one

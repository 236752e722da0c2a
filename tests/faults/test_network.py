"""A network that swallows bytes in one direction, or cuts connections in the middle of a frame, under load."""

from __future__ import annotations

import time

import pytest

from tests.faults.between import between
from tests.faults.conftest import Make
from tests.faults.story import Ground, under_load

pytestmark = pytest.mark.services

NOTICED = "?heartbeat=2"  # seconds; so that a silent connection is noticed while we wait
SILENT = 8.0
SOON = {"PROOF_CONNECT": "3"}  # seconds; a try to connect into the hole is given up sooner than usual


@pytest.mark.parametrize("direction", ["swallow_to_server", "swallow_to_client"])
def test_a_black_hole(make: Make, ground: Ground, direction: str) -> None:
    with between(ground.broker.url) as way:
        story = make(ground, transport=way.address + NOTICED, environ=SOON)

        def happen() -> None:
            setattr(way.proxy, direction, True)
            time.sleep(SILENT)
            way.proxy.heal()

        under_load(story, happen)


def test_connections_that_are_cut_in_the_middle_of_a_frame(make: Make, ground: Ground) -> None:
    with between(ground.broker.url) as way:
        story = make(ground, transport=way.address + NOTICED)

        def happen() -> None:
            for after in (7, 100, 700, 1500, 3000):
                way.proxy.cut_after = after
                time.sleep(0.7)
                way.proxy.heal()
                time.sleep(1.0)

        under_load(story, happen, rate=100)

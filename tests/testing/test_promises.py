"""Invariants that a sound engine never breaks, on what a broken one would leave behind."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from engine.discover import discover
from engine.settings import Settings
from engine.testing.clock import VirtualClock, VirtualLoop
from engine.testing.runner.chosen import all_cases
from engine.testing.runner.givens import read_given
from engine.testing.runner.project import TestProject, load_for_tests
from engine.testing.runner.promises import broken, other_state, state_of
from engine.testing.runner.standins import Applied, Outside
from engine.testing.runner.stubs import Stubs
from engine.testing.runner.world import Happened, run_case
from tests.testing.conftest import HERE


@pytest.fixture(scope="module")
def shop_project() -> TestProject:
    return load_for_tests(Settings.read({}, HERE / "shop"), {}, discover())


@pytest.fixture
def sold(shop_project: TestProject) -> Happened:
    """A sale that was posted."""
    (case,) = all_cases(shop_project.project)
    return run_case(shop_project, case, read_given(case, shop_project.project.files))


def test_all_hold(sold: Happened) -> None:
    for name in ("applied_at_most_once", "debit_equals_credit", "nothing_unaccounted"):
        assert broken(name, sold) == []


def test_an_effect_made_twice_is_told(sold: Happened) -> None:
    assert sold.outside is not None
    sold.outside.applied.append(sold.outside.applied[0]._replace(at=1))
    assert "posting/books" in broken("applied_at_most_once", sold)[0]


def test_figures_that_do_not_add_up_are_told(sold: Happened) -> None:
    sold.figures = [{**one, "balanced": False} if one["sink"] == "books" else one for one in sold.figures]
    assert broken("nothing_unaccounted", sold)[0].startswith("the figures of posting/books do not add up: received 1")


def test_an_event_the_figures_do_not_count_is_told(sold: Happened) -> None:
    sold.ids.append("f" * 32)
    assert broken("nothing_unaccounted", sold) == ["2 events came to posting, its figures count 1"]


def test_an_event_a_plain_route_does_not_speak_of_is_told(sold: Happened) -> None:
    plan = replace(sold.plans["posting"], criticality="operational", route_once=False)
    sold.plans = {"posting": plan}
    assert broken("nothing_unaccounted", sold) == []
    sold.ids.append("f" * 32)
    assert broken("nothing_unaccounted", sold) == [f"event {'f' * 32} came to posting and nothing is known of it"]


def test_states_differ_by_what_is_there_not_by_its_order(sold: Happened) -> None:
    before = state_of(sold)
    assert other_state(before, {**before, "work items": [*before["work items"]]}, 1) == []
    after = {**before, "posting/books": [*before["posting/books"], b"{}"]}
    assert other_state(before, after, 7) == [
        "in another order (seed 7) posting/books has 1 more and 0 fewer, for one: {}"
    ]


@pytest.mark.parametrize(("guarantee", "times"), [("upsert", 1), ("idempotency_key", 1), ("at_least_once", 2)])
def test_a_system_that_knows_the_key_makes_an_effect_once(guarantee: Any, times: int) -> None:
    loop = VirtualLoop()
    try:
        clock = VirtualClock(loop)
        outside = Outside(clock, Stubs(clock))
        for _ in range(2):
            outside.apply(Applied("r", "s", "key", {}, "event", 0), guarantee)
        assert len(outside.applied) == times
        assert outside.has("key", "r", "s") and not outside.has("key", "r", "other")
    finally:
        loop.close()

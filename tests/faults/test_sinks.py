"""Outside systems that hang, apply and then fail, ask for patience, or answer one byte a second, under load."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.faults.conftest import Make
from tests.faults.story import BOTH, Ground, Story
from tests.proof import till

pytestmark = pytest.mark.services

SALES = 60
ASKED_FOR = 3.0  # seconds of Retry-After; see tests/proof/outside.py


def posted(story: Story) -> None:
    """A day's sales through an outside that treats each of them so the first time."""
    for at in range(0, SALES, 10):
        story.drop(f"{at}.jsonl", till.written(till.sale(n, "AB"[n % 2]) for n in range(at, at + 10)))
    assert len(story.end(story.cast())) == SALES


def heard(story: Story) -> list[dict[str, object]]:
    """Everything the outside wrote down, in its order."""
    return [json.loads(line) for line in story.heard.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("trouble", ["hang", "error", "drip", "drop"])
def test_an_effect_whose_answer_does_not_come_is_asked_for_again_and_made_once(
    make: Make, ground: Ground, trouble: str
) -> None:
    story = make(ground, trouble=trouble)
    posted(story)
    asked = Counter((one["what"], one["way"], one["key"]) for one in heard(story))
    effects = {(way, key): times for (what, way, key), times in asked.items() if what == "effect"}
    assert list(effects.values()) == [1] * (2 * SALES)
    assert all(asked["repeat", *one] >= 1 for one in effects), "each was asked for a second time"


def test_who_asks_for_patience_is_given_it_and_no_attempt_counts(make: Make, ground: Ground) -> None:
    story = make(ground, trouble="throttle")
    posted(story)
    asked: dict[object, float] = {}
    for one in heard(story):
        if one["what"] == "throttled":
            asked[one["key"]] = float(str(one["at"]))
        else:
            assert float(str(one["at"])) - asked[one["key"]] >= ASKED_FOR
    assert len(asked) == len(BOTH) * SALES
    attempts = story.rows("select distinct attempt from ledger where route = 'posting'")
    assert attempts == [(1,)]

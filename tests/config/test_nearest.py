"""Suggestions: the right name first after a single typing mistake."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.models import ConnectionDoc, FromDoc, MappingDoc, RouteDoc, SinkDoc, StepDoc, TestsDoc
from engine.config.modelwalk import keys_of
from engine.config.nearest import did_you_mean, nearest
from engine.core.distance import distance

WORDS = st.text("abcde", max_size=6)


@given(WORDS, WORDS)
def test_distance_is_symmetric_and_zero_only_for_equals(a: str, b: str) -> None:
    assert distance(a, b) == distance(b, a)
    assert (distance(a, b) == 0) == (a == b)


@given(WORDS, WORDS, st.integers(0, 4))
def test_a_limit_only_cuts_off(a: str, b: str, limit: int) -> None:
    assert distance(a, b, limit) == min(distance(a, b), limit + 1)


@pytest.mark.parametrize(
    ("a", "b", "far"), [("wehn", "when", 1), ("usee", "use", 1), ("us", "use", 1), ("ab", "xy", 2)]
)
def test_swaps_count_once(a: str, b: str, far: int) -> None:
    assert distance(a, b) == far


def typo(word: str, dice: random.Random) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    place = dice.randrange(len(word))
    kind = dice.choice("dris")
    if kind == "d" and len(word) > 2:
        return word[:place] + word[place + 1 :]
    if kind == "i":
        return word[:place] + dice.choice(letters) + word[place:]
    if kind == "s" and place + 1 < len(word):
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return word[:place] + dice.choice(letters) + word[place + 1 :]


def test_after_one_mistake_the_right_key_comes_first_in_95_of_100() -> None:
    dice = random.Random(20260101)
    right = tried = 0
    for model in (RouteDoc, SinkDoc, StepDoc, FromDoc, ConnectionDoc, MappingDoc, TestsDoc):
        names = [name for name in keys_of(model) if len(name) > 2]
        for name in names:
            for _ in range(20):
                wrong = typo(name, dice)
                if wrong in keys_of(model):
                    continue
                tried += 1
                right += nearest(wrong, keys_of(model))[:1] == [name]
    assert tried > 500
    assert right / tried >= 0.95


def test_case_and_separators_hardly_count() -> None:
    assert nearest("giveUpAfter", ["give_up_after", "backoff"]) == ["give_up_after"]
    assert nearest("sale.to.journal", ["sale-to-journal", "x"]) == ["sale-to-journal"]


def test_nothing_is_suggested_for_something_else() -> None:
    assert nearest("warehouse", ["erp", "loyalty", "till"]) == []


def test_the_type_that_fits_wins_a_draw() -> None:
    assert nearest("rat", ["rag", "ram"], fits=["ram"])[0] == "ram"


def test_wording() -> None:
    assert did_you_mean(["a", "b", "c"]) == "did you mean `a`, `b` or `c`?"
    assert did_you_mean(["a"]) == "did you mean `a`?"
    assert did_you_mean([]) == ""


def test_a_letter_typed_twice_is_the_likeliest_slip() -> None:
    assert nearest("eventt", ["event", "events"])[0] == "event"
    assert nearest("line", ["lines", "linee"])[0] == "linee"

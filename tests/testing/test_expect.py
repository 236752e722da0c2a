"""Matchers of test expectations, each with a case that matches and one that does not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine.testing.expect import MATCHERS, mismatches

SALE = {
    "no": "1001",
    "net": Decimal("1.50"),
    "lines": [{"sku": "a", "d": Decimal("1")}, {"sku": "b", "d": 2}],
    "gone": None,
}

CASES: list[tuple[Any, bool]] = [
    ({"no": "1001"}, True),
    ({"no": 1001}, False),
    ({"net": Decimal("1.5")}, True),
    ({"net": True}, False),
    ({"lines": [{"sku": "b"}, {"sku": "a"}]}, True),
    ({"lines": [{"sku": "b"}]}, False),
    ({"lines": []}, False),
    ({"lines": {"$exact": [{"sku": "a", "d": 1}, {"sku": "b", "d": 2}]}}, True),
    ({"lines": {"$exact": [{"sku": "a"}, {"sku": "b", "d": 2}]}}, False),
    ({"no": {"$contains": "00"}}, True),
    ({"no": {"$contains": "77"}}, False),
    ({"lines": {"$contains": {"sku": "b"}}}, True),
    ({"lines": {"$contains": {"sku": "c"}}}, False),
    ({"net": {"$at_least": 1}}, True),
    ({"net": {"$at_least": 2}}, False),
    ({"net": {"$at_most": 2}}, True),
    ({"net": {"$at_most": 1}}, False),
    ({"no": {"$matches": "^10+1$"}}, True),
    ({"no": {"$matches": "^2"}}, False),
    ({"no": {"$one_of": ["x", "1001"]}}, True),
    ({"no": {"$one_of": ["x"]}}, False),
    ({"lines": {"$sum": {"d": 3}}}, True),
    ({"lines": {"$sum": {"d": 4}}}, False),
    ({"lines": {"$count": 2}}, True),
    ({"lines": {"$count": 3}}, False),
    ({"lines": {"$each": {"d": {"$at_least": 1}}}}, True),
    ({"lines": {"$each": {"sku": "a"}}}, False),
    ({"no": {"$present": True}}, True),
    ({"gone": {"$present": True}}, False),
    ({"nowhere": {"$present": False}}, True),
    ({"no": {"$not": "1002"}}, True),
    ({"no": {"$not": "1001"}}, False),
]


@pytest.mark.parametrize(("expected", "matching"), CASES)
def test_expectation(expected: Any, matching: bool) -> None:
    told = mismatches(SALE, expected)

    assert (told == []) is matching, told


def test_every_matcher_has_a_case_of_both_kinds() -> None:
    used = {(key, matching) for expected, matching in CASES for value in expected.values() for key in _matchers(value)}

    assert used == {(name, matching) for name in MATCHERS for matching in (True, False)}


def _matchers(value: Any) -> list[str]:
    return [key for key in value if key.startswith("$")] if isinstance(value, dict) else []


def test_unknown_matcher_is_named() -> None:
    with pytest.raises(ValueError, match=r"\$contain is not a matcher"):
        mismatches("x", {"$contain": "x"})

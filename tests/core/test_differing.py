"""Where two JSON values differ: places, never values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine.core.differing import MOST, differing, pointer_of, told


@pytest.mark.parametrize(
    ("first", "second", "places"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": Decimal("1.0")}, {"a": 1}, []),
        ({"a": True}, {"a": 1}, ["/a"]),
        ({"a": "1"}, {"a": 1}, ["/a"]),
        ({"a": None}, {}, ["/a"]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 2, "d": 2}}, ["/a/b", "/a/c", "/a/d"]),
        ({"l": [1, {"x": 1}]}, {"l": [1, {"x": 2}, 3]}, ["/l/1/x", "/l/2"]),
        ({"a/b": 1, "c~d": 1}, {"a/b": 2, "c~d": 2}, ["/a~1b", "/c~0d"]),
        ({"a": {}}, {"a": []}, ["/a"]),
        (1, 2, [""]),
    ],
)
def test_places_are_named(first: Any, second: Any, places: list[str]) -> None:
    assert differing(first, second) == places
    assert sorted(differing(second, first)) == sorted(places)


def test_what_is_private_is_named_as_a_whole() -> None:
    first = {"customer": {"id": {"4711": 1}}, "lines": [{"who": {"ann": 1}}]}
    second = {"customer": {"id": {"4712": 1}}, "lines": [{"who": {"ben": 1}}]}
    assert differing(first, second, ["customer.id", "lines[].who"]) == ["/customer/id", "/lines/0/who"]


def test_of_many_places_the_first_are_told() -> None:
    places = differing(list(range(1000)), list(range(1, 1001)))
    assert len(places) == MOST + 1
    assert told(places) == ", ".join(places[:MOST]) + " and more"
    assert told(["/a", ""]) == "/a, the whole"


def test_an_expression_is_a_pointer_where_it_is_a_path() -> None:
    assert (pointer_of("totals.gross"), pointer_of("sum(lines[].net)")) == ("/totals/gross", "`sum(lines[].net)`")

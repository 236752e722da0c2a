"""Keys as text: equal keys give equal text, different keys different text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import KeyIncomplete
from engine.core.ids import key_text

PARTS = st.lists(st.text(alphabet="ab|\\1", max_size=4), min_size=1, max_size=4)


@given(PARTS, PARTS)
def test_different_keys_give_different_text(left: list[str], right: list[str]) -> None:
    assert (key_text(left) == key_text(right)) is (left == right)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (["0012", "03", "2026-03-14", "1001"], "0012|03|2026-03-14|1001"),
        ([1, Decimal("1.50"), True], "1|1.5|true"),
        ([Decimal("1.0")], "1"),
        (["a|b", "c\\"], "a\\|b|c\\\\"),
        ([""], ""),
    ],
)
def test_a_key_reads_plainly(parts: list[Any], text: str) -> None:
    assert key_text(parts) == text


@pytest.mark.parametrize("part", [None, [], {}, [1], {"a": 1}])
def test_what_is_no_key_part_is_refused(part: Any) -> None:
    with pytest.raises(KeyIncomplete):
        key_text(["a", part])

"""Times and rates that no clock, calendar or database could hold are findings, and never a surprise at run time."""

from __future__ import annotations

import pytest

from engine.expr.errors import ExpressionError
from engine.plugins.measured import RateValue, read_duration, read_rate, read_size, seconds

MANY = "9" * 400


@pytest.mark.parametrize("text", ["5/0s", "5/0ms", "0/s", f"{MANY}/s", f"5/{MANY}s", "5/99999999999h", "5", "fast"])
def test_nothing_at_all_and_all_at_once_are_no_rates(text: str) -> None:
    with pytest.raises(ExpressionError, match="is not a rate") as caught:
        read_rate(text, None)
    assert caught.value.code == "TF1125"
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("text", [f"{MANY}h", "36501d", "999999999999999h", "1e5s", "-1s"])
def test_a_time_longer_than_a_hundred_years_is_no_duration(text: str) -> None:
    with pytest.raises(ExpressionError, match="is not a duration") as caught:
        read_duration(text, None)
    assert caught.value.code == "TF1124"


def test_a_size_past_any_memory_is_none() -> None:
    with pytest.raises(ExpressionError, match="is not a size"):
        read_size(f"{MANY}GiB", None)


def test_what_people_write_is_read() -> None:
    assert seconds("36500d") == 36_500 * 86_400
    assert read_rate("600/5m", None) == RateValue(600, 300.0)
    assert read_rate("50/s", None) == RateValue(50, 1.0)

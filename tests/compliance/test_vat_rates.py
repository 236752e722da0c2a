"""VAT rates change on their day, not a day before or after."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from connectors.compliance.vat_rates.functions import vat_rate, vat_rate_is
from connectors.compliance.vat_rates.table import rates
from engine.expr.values import DateText, Refused

EU = [
    "AT",
    "BE",
    "BG",
    "CY",
    "CZ",
    "DE",
    "DK",
    "EE",
    "ES",
    "FI",
    "FR",
    "GR",
    "HR",
    "HU",
    "IE",
    "IT",
    "LT",
    "LU",
    "LV",
    "MT",
    "NL",
    "PL",
    "PT",
    "RO",
    "SE",
    "SI",
    "SK",
]


@pytest.mark.parametrize(
    ("country", "day", "before", "after", "kind"),
    [("DE", "2020-07-01", "19", "16", "standard"), ("DE", "2021-01-01", "16", "19", "standard"),
     ("DE", "2020-07-01", "7", "5", "reduced"), ("DE", "2021-01-01", "5", "7", "reduced"),
     ("FI", "2024-09-01", "24", "25.5", "standard"), ("SK", "2025-01-01", "20", "23", "standard"),
     ("EE", "2025-07-01", "22", "24", "standard"), ("EE", "2024-01-01", "20", "22", "standard"),
     ("RO", "2025-08-01", "19", "21", "standard")],
)  # fmt: skip
def test_a_rate_changes_on_its_day(country: str, day: str, before: str, after: str, kind: str) -> None:
    eve = DateText((date.fromisoformat(day) - timedelta(days=1)).isoformat())
    assert vat_rate(country, eve, kind) == Decimal(before)  # type: ignore[arg-type]
    assert vat_rate(country, DateText(day), kind) == Decimal(after)  # type: ignore[arg-type]
    assert vat_rate_is(Decimal(after), country, DateText(day), kind)  # type: ignore[arg-type]
    assert not vat_rate_is(Decimal(before), country, DateText(day), kind)  # type: ignore[arg-type]


def test_every_member_state_has_a_standard_rate_and_every_row_its_source() -> None:
    assert {country for country, kind in rates() if kind == "standard"} == {*EU, "CH", "GB", "NO"}
    for found in rates().values():
        days = [rate.since for rate in found]
        assert days == sorted(set(days)) and all(rate.source and 0 < rate.rate < 30 for rate in found)
        assert all(a.rate != b.rate for a, b in pairwise(found))


def test_what_the_table_does_not_know_is_refused() -> None:
    for country, day, kind in (
        ("DE", "2019-12-31", "standard"),
        ("US", "2025-01-01", "standard"),
        ("PL", "2025-01-01", "reduced"),
    ):
        with pytest.raises(Refused, match=r"no .* rate"):
            vat_rate(country, DateText(day), kind)  # type: ignore[arg-type]
    assert vat_rate("el", DateText("2025-01-01")) == 24

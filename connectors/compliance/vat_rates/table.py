"""The table of rates that comes with this plugin: from when each holds, and by which law."""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_name("rates.csv")


class Rate(NamedTuple):
    """One rate from a day on, until the next of its country and kind."""

    since: str
    rate: Decimal
    source: str


Table = Mapping[tuple[str, str], list[Rate]]


@cache
def rates() -> Table:
    """Rates by (country, kind), in the order of their days."""
    table: dict[tuple[str, str], list[Rate]] = {}
    with FILE.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            date.fromisoformat(row["since"])
            table.setdefault((row["country"], row["kind"]), []).append(
                Rate(row["since"], Decimal(row["rate"]), row["source"])
            )
    return {key: sorted(found) for key, found in table.items()}


def rate_on(country: str, day: str, kind: str) -> Rate:
    """The rate that holds on a day. Raises ValueError where the table has none."""
    code = {"EL": "GR", "UK": "GB", "XI": "GB"}.get(country.strip().upper(), country.strip().upper())
    found = rates().get((code, kind), [])
    at = bisect_right(found, day, key=lambda rate: rate.since)
    if not at:
        begins = f"; it begins at {found[0].since}" if found else ""
        raise ValueError(f"the table has no {kind} rate of {code[:10]!r} on {day}{begins}")
    return found[at - 1]

"""Expectations of tests: keys that start with `$` say how something is compared."""

from __future__ import annotations

from typing import Any

from engine.compile.report import Place

# What things are compared by besides equality; the test runner knows the same ones.
MATCHERS = (
    "$exact", "$contains", "$at_least", "$at_most", "$matches", "$one_of",
    "$sum", "$count", "$each", "$present", "$not",
)  # fmt: skip


def check_matchers(place: Place, value: Any) -> None:
    """A finding for every misspelt matcher: it would be compared as if it were data."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in entries:
        if isinstance(key, str) and key.startswith("$") and key not in MATCHERS:
            place.at(key).unknown("TF3028", "matcher", key, MATCHERS, key=True)
        check_matchers(place.at(key), item)

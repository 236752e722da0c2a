"""Expectations of tests: a misspelt matcher or field would be an expectation of nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from engine.compile.report import Place
from engine.config.nearest import suggestion
from engine.expr.shape import UNKNOWN, Shape

# What things are compared by besides equality, and what is known of a work item; the test runner knows the same ones.
MATCHERS = (
    "$exact", "$contains", "$at_least", "$at_most", "$matches", "$one_of",
    "$sum", "$count", "$each", "$present", "$not",
)  # fmt: skip
WORK_ITEM = (
    "route", "sink", "step", "level", "reason", "owner", "detail", "data", "event", "type", "attempts",
)  # fmt: skip
_INSIDE = ("$exact", "$not")  # compared with the same value
_ITEMS = ("$each", "$contains", "$sum")  # compared with the items of a list


def check_expected(place: Place, value: Any, shape: Shape) -> None:
    """Findings of one expected value; `shape` is what is known of the value it is compared with."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            check_expected(place.at(index), item, shape.item())
    elif isinstance(value, Mapping) and any(str(key).startswith("$") for key in value):
        for key, item in value.items():
            _matcher(place.at(key), str(key), item, shape)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if shape.kinds == {"object"} and not shape.has(key):
                place.at(key).unknown("TF3029", "field", str(key), shape.fields, key=True, why="nothing makes it")
            check_expected(place.at(key), item, shape.at(key))


def _matcher(place: Place, name: str, value: Any, shape: Shape) -> None:
    if name not in MATCHERS:
        place.unknown("TF3028", "matcher", name, MATCHERS, key=True)
    elif name in _INSIDE:
        check_expected(place, value, shape)
    elif name in _ITEMS and isinstance(value, Mapping):
        check_expected(place, value, shape.item() if shape.kinds == {"list"} else UNKNOWN)


def check_work_items(place: Place, items: list[Any], reasons: Collection[str], steps: Collection[str]) -> None:
    """Facts of expected work items, reasons that almost are those of the route, and ids of its steps."""
    for index, item in enumerate(items):
        if not isinstance(item, Mapping):
            continue
        for key, value in item.items():
            at = place.at(index, key)
            if not str(key).startswith("$") and key not in WORK_ITEM:
                at.unknown("TF3029", "fact of a work item called", str(key), WORK_ITEM, key=True)
            check_expected(at, value, UNKNOWN)
            if key == "reason" and isinstance(value, str):
                check_reason(at, value, reasons)
            elif key in ("step", "sink") and isinstance(value, str) and value and steps and value not in steps:
                at.unknown("TF3026", f"{key} called", value, steps)


def check_filtered(place: Place, value: Any, reasons: Collection[str]) -> None:
    """`filtered` names one reason, or counts by reason."""
    if isinstance(value, str):
        check_reason(place, value, reasons)
    elif isinstance(value, Mapping):
        for name in value:
            if not str(name).startswith("$"):
                check_reason(place.at(name), str(name), reasons, key=True)


def check_reason(place: Place, name: str, reasons: Collection[str], *, key: bool = False) -> None:
    """The engine and plugins have reasons of their own, so only one that is almost the route's is a finding."""
    near = suggestion(name, reasons) if name not in reasons else ""
    if near:
        text, advice = f"no step of the route has the reason `{name}`", f"did you mean `{near}`?"
        place.finding("TF3030", text, key=key, help=advice, suggestion=near, severity="warning")


def reasons_in(value: Any) -> Iterator[str]:
    """Reasons written in steps, as they stand in the file."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in ("reason", "work_item") and isinstance(item, str):
                yield item
            yield from reasons_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from reasons_in(item)

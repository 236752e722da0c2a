"""What a test file holds as values: durations, moments, and paths that are set or taken out."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from engine.plugins.fields import seconds

_STEP = re.compile(r"\.?([A-Za-z_@#$][\w@#$-]*|\"[^\"]+\")|\[(\d+)\]")
NOON = "T12:00:00"


class BadTest(Exception):
    """The test itself cannot be run; the text says what to change."""


def duration(text: Any) -> float:
    """`1h` -> 3600.0; 0.0 for none."""
    return 0.0 if text is None else seconds(text)


def moment(text: str) -> int:
    """A date (noon UTC) or a time as UTC microseconds. Raises BadTest."""
    try:
        found = datetime.fromisoformat(text + NOON if len(text) == 10 else text)
    except ValueError:
        raise BadTest(f"`{text}` is not a date or time; write 2026-03-14 or 2026-03-14T09:15:00Z") from None
    whole = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    return round(whole.timestamp() * 1_000_000)


def path_of(text: str) -> list[str | int]:
    """`lines[0].sku` -> lines, 0, sku. Raises BadTest."""
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise BadTest(f"`{text}` is not a path; write names and indexes: lines[0].sku")
        steps.append(int(match[2]) if match[2] is not None else match[1].strip('"'))
        at = match.end()
    if not steps:
        raise BadTest("a path is empty")
    return steps


def with_value(data: Any, path: list[str | int], value: Any) -> Any:
    """A copy with the value at the path; objects on the way are made. Raises BadTest."""
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        if not isinstance(data, list) or step >= len(data):
            raise BadTest(f"there is no element {step} to set")
        return [with_value(item, rest, value) if rest and i == step else value if i == step else item
                for i, item in enumerate(data)]  # fmt: skip
    if data is not None and not isinstance(data, dict):
        raise BadTest(f"`{step}` cannot be set: what holds it is no object")
    inner = (data or {}).get(step)
    return {**(data or {}), step: with_value(inner, rest, value) if rest else value}


def without(data: Any, path: list[str | int]) -> Any:
    """A copy without what is at the path. Raises BadTest when there is nothing."""
    step, rest = path[0], path[1:]
    there = (isinstance(step, int) and isinstance(data, list) and step < len(data)) or (
        isinstance(data, dict) and step in data
    )
    if not there:
        raise BadTest(f"`{step}` cannot be removed: it is not there")
    if isinstance(data, list):
        return [without(item, rest) if i == step else item for i, item in enumerate(data) if rest or i != step]
    return {name: without(item, rest) if name == step else item for name, item in data.items() if rest or name != step}

"""Times, rates and sizes as people write them: a number with its unit, never without."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from engine.core.quoting import short
from engine.expr.errors import ExpressionError
from engine.plugins.valueforms import text_of

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST = 36_500  # days: a moment so far away is still one that a database and a calendar can write
_MOST_DIGITS = 15  # of a count; more has no exact place among the floats times are kept in


def seconds(text: str) -> float:
    """`500ms`, `2s`, `5m`, `1h`, `45d` as seconds; at most a hundred years. Raises ValueError."""
    match = re.fullmatch(r"(\d+)(ms|s|m|h|d)", text)
    if match is None or len(match[1]) > _MOST_DIGITS:
        raise ValueError(text)
    found = int(match[1]) * _UNITS[match[2]]
    if found > _LONGEST * _UNITS["d"]:
        raise ValueError(text)
    return found


def read_duration(value: Any, build: Any) -> float:
    """Seconds. Raises ExpressionError that says how it is written."""
    if isinstance(value, int) and not isinstance(value, bool):
        advice = f"write a unit: {value}s, {value}m or {value}h"
        raise ExpressionError("TF1124", f"`{value}` is not a duration: it has no unit", help=advice, length=0)
    try:
        return seconds(text_of(value, "a duration"))
    except ValueError:
        raise ExpressionError(
            "TF1124",
            f"`{short(str(value), 40)}` is not a duration",
            help=f"write a number and ms, s, m, h or d: 500ms, 30s, 24h; {_LONGEST}d is the longest",
        ) from None


@dataclass(frozen=True, slots=True)
class RateValue:
    """`count` per `seconds`."""

    count: int
    seconds: float


def read_rate(value: Any, build: Any) -> RateValue:
    """A count per time. Raises ExpressionError that says how it is written."""
    match = re.fullmatch(rf"(\d{{1,{_MOST_DIGITS}}})/(\d*)(ms|s|m|h|d)", str(value))
    try:
        count, per = (int(match[1]), seconds(f"{match[2] or 1}{match[3]}")) if match else (0, 0.0)
    except ValueError:
        count, per = 0, 0.0
    if not count or not per:  # neither nothing at all nor all at once is a rate
        raise ExpressionError(
            "TF1125", f"`{short(str(value), 40)}` is not a rate", help="write a count per time: 50/s, 600/m"
        )
    return RateValue(count, per)


def read_size(value: Any, build: Any) -> int:
    """Bytes. Raises ExpressionError that says how it is written."""
    match = re.fullmatch(rf"(\d{{1,{_MOST_DIGITS}}})(B|KiB|MiB|GiB)", str(value))
    if match is None:
        raise ExpressionError(
            "TF1126", f"`{short(str(value), 40)}` is not a size", help="write a number and B, KiB, MiB or GiB: 256KiB"
        )
    return int(match[1]) << {"B": 0, "KiB": 10, "MiB": 20, "GiB": 30}[match[2]]

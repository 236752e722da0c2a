"""Date patterns as people write them: `DD.MM.YYYY`, `M/D/YY`, `YYYYMMDDhhmmss`."""

from __future__ import annotations

import datetime
import re
from functools import lru_cache

from engine.expr.values import Refused

_PARTS = {
    "YYYY": ("year", r"(\d{4})"),
    "YY": ("short_year", r"(\d{2})"),
    "MM": ("month", r"(\d{2})"),
    "DD": ("day", r"(\d{2})"),
    "hh": ("hour", r"(\d{2})"),
    "mm": ("minute", r"(\d{2})"),
    "ss": ("second", r"(\d{2})"),
    "M": ("month", r"(\d{1,2})"),
    "D": ("day", r"(\d{1,2})"),
    "h": ("hour", r"(\d{1,2})"),
}
_TOKEN = re.compile("|".join(_PARTS) + "|[^A-Za-z0-9]|T")
_MAX_PATTERN = 40
_PIVOT = 70  # 69 is 2069, 70 is 1970, as POSIX has it


@lru_cache(maxsize=256)
def _tokens(pattern: str) -> tuple[str, ...]:
    found = tuple(_TOKEN.findall(pattern))
    if len(pattern) > _MAX_PATTERN or "".join(found) != pattern or not any(token in _PARTS for token in found):
        raise Refused(
            "the pattern is made of YYYY, YY, MM, DD, M, D, hh, h, mm, ss and signs between them, like DD.MM.YYYY",
            "invalid-value",
        )
    return found


@lru_cache(maxsize=256)
def _reader(pattern: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    tokens = _tokens(pattern)
    source = "".join(_PARTS[token][1] if token in _PARTS else re.escape(token) for token in tokens)
    return re.compile(source, re.ASCII), tuple(_PARTS[token][0] for token in tokens if token in _PARTS)


def writable(pattern: str) -> str:
    """The pattern, if a date can be written by it. Raises ValueError."""
    try:
        _tokens(pattern)
    except Refused as error:
        raise ValueError(str(error).replace("the pattern", "it", 1)) from None
    return pattern


def readable(pattern: str) -> str:
    """The pattern, if a date can be read by it. Raises ValueError."""
    if not {"YYYY", "YY"} & set(_tokens(writable(pattern))):
        raise ValueError("it has no year in it")
    return pattern


def parse_with(text: str, pattern: str) -> datetime.datetime:
    """The date and time a text holds. Parts the pattern does not name are the first of their kind. Raises Refused."""
    reader, names = _reader(pattern)
    match = reader.fullmatch(text.strip())
    if match is None:
        raise Refused(f"the text does not look like {pattern}", "invalid-value")
    parts = dict(zip(names, map(int, match.groups()), strict=True))
    if "short_year" in parts:
        short = parts.pop("short_year")
        parts["year"] = short + (2000 if short < _PIVOT else 1900)
    if "year" not in parts:
        raise Refused(f"the pattern {pattern} has no year in it", "invalid-value")
    try:
        return datetime.datetime(**{"month": 1, "day": 1, **parts})  # type: ignore[arg-type] # noqa: DTZ001
    except ValueError as error:
        raise Refused(f"the text is no date there is: {error}", "invalid-value") from None


def format_with(value: datetime.datetime, pattern: str) -> str:
    """The date and time in the pattern's form."""
    written = {
        "YYYY": f"{value.year:04}",
        "YY": f"{value.year % 100:02}",
        "MM": f"{value.month:02}",
        "DD": f"{value.day:02}",
        "hh": f"{value.hour:02}",
        "mm": f"{value.minute:02}",
        "ss": f"{value.second:02}",
        "M": str(value.month),
        "D": str(value.day),
        "h": str(value.hour),
    }
    return "".join(written.get(token, token) for token in _tokens(pattern))

"""How a till writes numbers and dates, found out from the file or said in the route."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from connectors.core.formats.numbers import number

Name = Literal["de", "us"]
_DATES = {
    r"(\d{4})-(\d{1,2})-(\d{1,2})": (1, 2, 3),
    r"(\d{1,2})\.(\d{1,2})\.(\d{4})": (3, 2, 1),
}
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s*([AaPp])\.?[Mm]\.?)?", re.ASCII)


@dataclass(frozen=True)
class Flavour:
    """`de`: `;`, decimal comma, point between thousands. `us`: `,`, decimal point, comma between thousands."""

    name: Name

    @property
    def delimiter(self) -> str:
        return ";" if self.name == "de" else ","

    def number(self, text: str) -> Decimal:
        """Raises ValueError."""
        return number(text, ",", ".") if self.name == "de" else number(text, ".", ",")

    def day(self, text: str) -> str:
        """A date as `YYYY-MM-DD`; `03/14/2026` is read month first by `us` and day first by `de`. Raises ValueError."""
        value = text.strip()
        for pattern, (year, month, day) in _DATES.items():
            if match := re.fullmatch(pattern, value, re.ASCII):
                return date(int(match[year]), int(match[month]), int(match[day])).isoformat()
        if match := _SLASHED.fullmatch(value):
            first, second = int(match[1]), int(match[2])
            of_month = (first, second) if self.name == "us" else (second, first)
            return date(int(match[3]), *of_month).isoformat()
        raise ValueError(f"{text!r} is not a date")


def clock_time(text: str) -> str:
    """A time of day as `HH:MM:SS`. Raises ValueError."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a time of day")
    hour, half = int(match[1]), (match[4] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 23 or int(match[2]) > 59 or int(match[3] or 0) > 59:
        raise ValueError(f"{text!r} is not a time of day")
    return f"{hour:02}:{match[2]}:{match[3] or '00'}"


def detect(header: str) -> Flavour:
    """By the separator of the header row."""
    return Flavour("de" if header.count(";") > header.count(",") else "us")

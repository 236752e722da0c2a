"""Moments of a calendar schedule, in a time zone whose clock is put forward and back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}), ("hour", 0, 23, {}), ("day", 1, 31, {}), ("month", 1, 12, _MONTHS), ("weekday", 0, 7, _DAYS),
)  # fmt: skip
_HORIZON = 366 * 8  # days looked ahead: 29 February comes within eight years


def time_of_day(text: str) -> time:
    """`06:00` or `06:00:30`. Raises ValueError."""
    match = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", text)
    if match is None:
        raise ValueError(f"`{text}` is not a time of day")
    try:
        return time(int(match[1]), int(match[2]), int(match[3] or 0))
    except ValueError:
        raise ValueError(f"`{text}` is not a time of day") from None


@dataclass(frozen=True)
class Cron:
    """Times of day on the days that fit.

    either   classic cron: with both day and weekday restricted, a day fits that fits either
    hourly   the schedule names no hours: it goes on ticking through the hour that comes twice in autumn
    """

    times: tuple[time, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool
    hourly: bool
    zone: ZoneInfo

    @classmethod
    def daily(cls, times: Sequence[time], zone: ZoneInfo) -> Cron:
        """Every day at these times."""
        every = (frozenset(range(1, 32)), frozenset(range(1, 13)), frozenset(range(7)))
        return cls(tuple(sorted(times)), *every, False, False, zone)

    @classmethod
    def parse(cls, text: str, zone: ZoneInfo) -> Cron:
        """Five fields with `*`, lists, ranges, steps and names. Raises ValueError."""
        parts = text.lower().split()
        if len(parts) != 5:
            raise ValueError(f"`{text}` has {len(parts)} fields; cron has five: minute hour day month weekday")
        fields = zip(parts, _FIELDS, strict=True)
        minutes, hours, days, months, weekdays = (_field(part, *field) for part, field in fields)
        times = tuple(time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes))
        either = not parts[2].startswith("*") and not parts[4].startswith("*")
        weekdays = frozenset(day % 7 for day in weekdays)
        return cls(times, days, months, weekdays, either, parts[1].startswith("*"), zone)

    def after(self, moment: int) -> Iterator[int]:
        """Moments later than `moment`, both UTC seconds, in order."""
        day = datetime.fromtimestamp(moment, self.zone).date() - timedelta(days=1)
        last = moment
        for offset in range(_HORIZON):
            for found in self._on(day + timedelta(days=offset)):
                if found > last:
                    last = found
                    yield found

    def _on(self, day: date) -> list[int]:
        if not self._fits(day):
            return []
        moments: set[int] = set()
        for one in self.times:
            local = datetime.combine(day, one, self.zone)
            moments.add(_moment(local))
            if self.hourly:
                moments.add(_moment(local.replace(fold=1)))
        return sorted(moments)

    def _fits(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (of_month or of_week) if self.either else (of_month and of_week)


def _moment(local: datetime) -> int:
    """A local time as UTC seconds; one that the clock jumps over is as much later as the clock jumps."""
    return int(local.astimezone(UTC).timestamp())


def _field(text: str, what: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        if step and not (step.isdigit() and int(step) > 0):
            raise ValueError(f"`{part}` is not a {what}: a step is a number above 0")
        first, dash, last = span.partition("-")
        if span == "*":
            start, end = low, high
        else:
            start = _number(first, what, low, high, names)
            end = _number(last, what, low, high, names) if dash else (high if step else start)
        if end < start:
            raise ValueError(f"`{part}` is not a {what}: the range goes backwards")
        found.update(range(start, end + 1, int(step or 1)))
    return frozenset(found)


def _number(text: str, what: str, low: int, high: int, names: dict[str, int]) -> int:
    value = names.get(text, int(text) if text.isdigit() else -1)
    if not low <= value <= high:
        raise ValueError(f"`{text}` is not a {what}: {low} to {high}")
    return value

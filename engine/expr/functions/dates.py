"""Calendar days and moments. A checked date compares with another; it leaves an expression as text `YYYY-MM-DD`."""

from __future__ import annotations

import calendar
import datetime
from typing import Annotated, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.expr.functions.money import whole
from engine.expr.functions.patterns import format_with, parse_with, readable, writable
from engine.expr.types import Date, Kind, Moment, Number, Text
from engine.expr.values import DateText, MomentText, Refused

# A pattern that is written out is checked with the file; one that is computed, when it is used.
ReadPattern: TypeAlias = Annotated[str, Kind(("text",), prepare=readable)]
WritePattern: TypeAlias = Annotated[str, Kind(("text",), prepare=writable)]


def day(value: str) -> datetime.date:
    """The day of an ISO date or date-time text. Raises Refused."""
    if type(value) is DateText:
        return datetime.date.fromisoformat(value)
    text = value[:10]
    if len(text) == 10 and (len(value) == 10 or value[10] in "T "):
        try:
            found = datetime.date.fromisoformat(text)
            if len(value) > 10:
                datetime.datetime.fromisoformat(value)
            return found
        except ValueError:
            pass  # refused below, with what to do
    raise Refused(
        "the text is not a date YYYY-MM-DD; parse_date(text, 'DD.MM.YYYY') reads other forms", "invalid-value"
    )


def dated(value: datetime.date) -> DateText:
    """A checked date as expressions hold it."""
    return DateText(value.isoformat())


def instant(value: str) -> datetime.datetime:
    """The moment of an RFC 3339 text with an offset. Raises Refused."""
    try:
        found = datetime.datetime.fromisoformat(value)
    except ValueError:
        raise Refused("the text is not a moment YYYY-MM-DDTHH:MM:SS+00:00", "invalid-value") from None
    if found.tzinfo is None:
        raise Refused(
            "the moment has no offset; write Z or +01:00 behind it, or use at_zone(text, zone)", "invalid-value"
        )
    return found


def moment(value: datetime.datetime) -> MomentText:
    """A checked moment as expressions hold it: UTC, microseconds, always the same width."""
    return MomentText(value.astimezone(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"))


def date(value: Text) -> Date:
    """A date to compare and calculate with, from `YYYY-MM-DD` or the day of a date-time as it is written.

    date('2026-03-14') -> "2026-03-14"
    date('2026-03-14T23:30:00+02:00') -> "2026-03-14"
    date('2026-03-14') < date('2026-10-01') -> true
    """
    return dated(day(value))


def parse_date(value: Text, pattern: ReadPattern) -> Date:
    """A date written another way. The pattern is made of YYYY, YY, MM, DD, M, D and other characters as they are.

    parse_date('14.03.2026', 'DD.MM.YYYY') -> "2026-03-14"
    parse_date('3/4/26', 'M/D/YY') -> "2026-03-04"
    """
    return dated(parse_with(value, pattern).date())


def format_date(value: Text, pattern: WritePattern) -> Text:
    """A date written another way, with the pattern of parse_date.

    format_date('2026-03-14', 'DD.MM.YYYY') -> "14.03.2026"
    """
    return format_with(datetime.datetime.combine(day(value), datetime.time()), pattern)


def date_time(value: Text) -> Moment:
    """A moment to compare, from RFC 3339 text with an offset, in UTC.

    date_time('2026-03-14T10:15:42+01:00') -> "2026-03-14T09:15:42.000000Z"
    """
    return moment(instant(value))


def parse_date_time(value: Text, pattern: ReadPattern, zone: Text = "UTC") -> Moment:
    """A moment written another way in a time zone; the pattern of parse_date with hh, mm and ss.

    parse_date_time('14.03.2026 10:15', 'DD.MM.YYYY hh:mm', 'Europe/Madrid') -> "2026-03-14T09:15:00.000000Z"
    """
    return moment(parse_with(value, pattern).replace(tzinfo=_zone(zone)))


def at_zone(value: Text, zone: Text) -> Text:
    """A moment as the clocks of a time zone show it; a text without an offset is read as being in that zone.

    at_zone('2026-03-14T09:15:42Z', 'Europe/Madrid') -> "2026-03-14T10:15:42+01:00"
    """
    try:
        found = datetime.datetime.fromisoformat(value)
    except ValueError:
        raise Refused("the text is not a moment YYYY-MM-DDTHH:MM:SS", "invalid-value") from None
    local = _zone(zone)
    return (found.replace(tzinfo=local) if found.tzinfo is None else found.astimezone(local)).isoformat()


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refused("the time zone is not known; write a name like Europe/Madrid", "invalid-value") from None


def days_between(first: Text, second: Text) -> Number:
    """Days from the first date to the second; negative when the second is earlier.

    days_between('2026-02-27', '2026-03-01') -> 2
    """
    return (day(second) - day(first)).days


def add_days(value: Text, days: Number) -> Date:
    """The date a number of days later.

    add_days('2026-02-27', `2`) -> "2026-03-01"
    """
    try:
        return dated(day(value) + datetime.timedelta(days=whole(days)))
    except OverflowError:
        raise Refused("the date is out of range", "invalid-value") from None


def add_months(value: Text, months: Number) -> Date:
    """The date a number of months later, at most the last day of that month.

    add_months('2026-01-31', `1`) -> "2026-02-28"
    """
    start = day(value)
    count = start.year * 12 + start.month - 1 + whole(months)
    if not 12 <= count < 120_000:
        raise Refused("the date is out of range", "invalid-value")
    year_, month_ = count // 12, count % 12 + 1
    return dated(datetime.date(year_, month_, min(start.day, calendar.monthrange(year_, month_)[1])))


def end_of_month(value: Text) -> Date:
    """The last day of the month of a date.

    end_of_month('2028-02-03') -> "2028-02-29"
    """
    start = day(value)
    return dated(start.replace(day=calendar.monthrange(start.year, start.month)[1]))


def year(value: Text) -> Number:
    """The year of a date.

    year('2026-03-14') -> 2026
    """
    return day(value).year


def month(value: Text) -> Number:
    """The month of a date, 1 to 12.

    month('2026-03-14') -> 3
    """
    return day(value).month


def day_of_month(value: Text) -> Number:
    """The day in the month of a date, 1 to 31.

    day_of_month('2026-03-14') -> 14
    """
    return day(value).day


def weekday(value: Text) -> Number:
    """The day of the week of a date: 1 is Monday, 7 is Sunday.

    weekday('2026-03-14') -> 6
    """
    return day(value).isoweekday()


FUNCTIONS = (
    date,
    parse_date,
    format_date,
    date_time,
    parse_date_time,
    at_zone,
    days_between,
    add_days,
    add_months,
    end_of_month,
    year,
    month,
    day_of_month,
    weekday,
)

"""Text: cutting, padding, reading and writing numbers. Results are capped, whatever the arguments say."""

from __future__ import annotations

import unicodedata
from decimal import Decimal

import re2

from engine.expr.functions.money import whole
from engine.expr.functions.reading import read_number
from engine.expr.limits import fits, made_text
from engine.expr.types import Date, List, Moment, Number, Regex, Text, YesNo
from engine.expr.values import NUMBERS, TEXTS, Refused, described

_SLUG = re2.compile(r"[^a-z0-9]+")


def written(value: object) -> str:
    """Text, a number or yes/no as text; numbers with the digits they have, never in powers of ten."""
    if type(value) in TEXTS:
        return str(value)
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        return str(value)
    if type(value) is Decimal:
        return format(value, "f")
    raise Refused(f"{described(value)} has no text; pick a part of it")


def text(value: Text | Number | YesNo | Date | Moment) -> Text:
    """A value as text, numbers with exactly the digits they have.

    text(`1.50`) -> "1.50"
    text(`true`) -> "true"
    """
    return written(value)


def number(value: Text | Number, decimal_mark: Text = ".", thousands: Text = "") -> Number:
    """The number a text holds, exactly; anything else is an error. Other marks than the point are named.

    number('0042') -> 42
    number('1,50', ',') -> 1.50
    """
    return value if type(value) in NUMBERS else read_number(value, decimal_mark, thousands)  # type: ignore[return-value, arg-type]


def parse_number(value: Text, decimal_mark: Text, thousands: Text = "") -> Number:
    """The number in a text written with these marks.

    parse_number('1.234,50', ',', '.') -> 1234.50
    parse_number('-12,00', ',') -> -12.00
    """
    return read_number(value, decimal_mark, thousands)


def format_number(value: Number, decimal_mark: Text = ".", thousands: Text = "") -> Text:
    """A number as text with other marks.

    format_number(`1234.50`, ',', '.') -> "1.234,50"
    """
    sign, plain = ("-", written(value)[1:]) if value < 0 else ("", written(value))
    digits, _, fraction = plain.partition(".")
    grouped = f"{int(digits):,}".replace(",", thousands)
    return made_text(sign + grouped + (decimal_mark + fraction if fraction else ""))


def upper(value: Text) -> Text:
    """The text in capital letters.

    upper('eur') -> "EUR"
    """
    return value.upper()


def lower(value: Text) -> Text:
    """The text in small letters.

    lower('EUR') -> "eur"
    """
    return value.lower()


def trim(value: Text) -> Text:
    """The text without white space at both ends.

    trim('  A 1 ') -> "A 1"
    """
    return value.strip()


def _padding(value: str, width: Number, fill: str) -> str:
    wanted = whole(width)
    fits(wanted)
    if len(fill) != 1:
        raise Refused("the fill is exactly one character", "invalid-value")
    return fill * (wanted - len(value))


def pad_left(value: Text, width: Number, fill: Text = " ") -> Text:
    """The text filled up at its left side; a longer one stays as it is.

    pad_left('12', `4`, '0') -> "0012"
    """
    return _padding(value, width, fill) + value


def pad_right(value: Text, width: Number, fill: Text = " ") -> Text:
    """The text filled up at its right side.

    pad_right('AB', `4`, '.') -> "AB.."
    """
    return value + _padding(value, width, fill)


def strip_left(value: Text, characters: Text) -> Text:
    """The text without any of these characters at its left side.

    strip_left('000420', '0') -> "420"
    """
    return value.lstrip(characters)


def replace(value: Text, old: Text, new: Text) -> Text:
    """Every `old` replaced by `new`.

    replace('A-1-2', '-', '/') -> "A/1/2"
    """
    if not old:
        raise Refused("what is to be replaced is empty", "invalid-value")
    fits(len(value) + value.count(old) * (len(new) - len(old)))
    return value.replace(old, new)


def split(value: Text, separator: Text) -> List:
    """The parts of a text between separators.

    split('0012/03', '/') -> ["0012", "03"]
    """
    if not separator:
        raise Refused("the separator is empty", "invalid-value")
    return list(value.split(separator))


def substring(value: Text, start: Number, length: Number | None = None) -> Text:
    """Part of a text from a position (0 is the first, negative counts from the end), to the end or that long.

    substring('20260314', `4`, `2`) -> "03"
    substring('8437001120048', `-4`) -> "0048"
    """
    begin = whole(start)
    part = value[begin:]
    if length is None:
        return part
    if length < 0:
        raise Refused("the length is below zero", "invalid-value")
    return part[: whole(length)]


def truncate(value: Text, length: Number) -> Text:
    """At most that many characters of a text.

    truncate('A long description', `6`) -> "A long"
    """
    if length < 0:
        raise Refused("the length is below zero", "invalid-value")
    return value[: whole(length)]


def concat(*parts: Text | Number | YesNo) -> Text:
    """The parts written one after the other; numbers keep their digits. A missing part is an error.

    concat('SALE-', `1001`) -> "SALE-1001"
    """
    return made_text("".join(map(written, parts)))


def matches(value: Text, pattern: Regex) -> bool:
    """Whether the whole text matches a regular expression (RE2: no look-around, linear time). The pattern is a literal.

    matches('ES-0012', '[A-Z]{2}-[0-9]+') -> true
    """
    return pattern.fullmatch(value) is not None


def extract(value: Text, pattern: Regex) -> Text | None:
    """What the first group of a regular expression finds in a text (or all it finds, without a group); null if nothing.

    extract('receipt 1001 of till 03', 'receipt ([0-9]+)') -> "1001"
    """
    found = pattern.search(value)
    if found is None:
        return None
    result: str | None = found.group(1 if pattern.groups else 0)
    return result


def slug(value: Text) -> Text:
    """The text in small letters, digits and dashes, for names and addresses.

    slug('Calle Mayor, 1 - Año') -> "calle-mayor-1-ano"
    """
    plain = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode().lower()
    return str(_SLUG.sub("-", plain)).strip("-")


FUNCTIONS = (
    text,
    number,
    parse_number,
    format_number,
    upper,
    lower,
    trim,
    pad_left,
    pad_right,
    strip_left,
    replace,
    split,
    substring,
    truncate,
    concat,
    matches,
    extract,
    slug,
)

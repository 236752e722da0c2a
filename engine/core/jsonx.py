"""JSON that keeps numbers exact: int and Decimal in, the same digits out.

`parse` is for bytes from outside and is strict; `decode` is for bytes this engine wrote and is fast.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from engine.core.errors import Permanent
from engine.core.numbers import plain

MAX_DEPTH = 64
MAX_DIGITS = 40
_PAST = 10**MAX_DIGITS  # smallest whole number with more digits

# Escapes one by one, so that the backslash of one is not taken for the beginning of another; a pair is one.
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2}|[\ud800-\udfff])|\\."
)

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")

decode: Callable[[bytes | str], Any] = _decoder.decode
"""JSON of this engine or of a trusted system to values, fast: Decimal for a number with a point, never a float.

Raises msgspec.DecodeError. Bytes from outside are for `parse`, which is strict.
"""
encode: Callable[[Any], bytes] = _encoder.encode
"""Values to JSON bytes; a Decimal with the digits it has. Raises TypeError for what is no JSON value (see `written`)."""


def written(value: Any) -> bytes:
    """The value as JSON, of data that a plugin or an expression made. Raises Permanent `not-encodable` that says where."""
    try:
        return encode(value)
    except Exception as error:
        place, what = _unwritable(value)
        text = (
            f"{place} holds {what}, which is no JSON value" if what else f"it is no JSON value: {type(error).__name__}"
        )
        raise Permanent("not-encodable", text, data={"place": place}) from None


def _unwritable(value: Any) -> tuple[str, str]:
    """Path and kind of the innermost value that JSON cannot hold; never the value itself."""
    place: list[str] = []
    while len(place) <= MAX_DEPTH:
        found = next(((name, one) for name, one in _children(value) if not _writes(one)), None)
        if found is None:
            return f"`{'.'.join(place)}`" if place else "it", _kind_of(value)
        place.append(ascii(found[0])[1:-1] if isinstance(found[0], str) else str(found[0]))
        value = found[1]
    return "it", f"more than {MAX_DEPTH} levels"


def _children(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value, 1)) if isinstance(value, list | tuple) else []


def _writes(value: Any) -> bool:
    try:
        encode(value)
    except Exception:
        return False
    return True


def _kind_of(value: Any) -> str:
    if isinstance(value, str):
        return "text with half a surrogate pair"
    return "a key that is no text" if isinstance(value, dict) else f"a value of type {type(value).__name__}"


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(k for k, _ in pairs if k in seen or seen.add(k))  # type: ignore[func-returns-value]
        raise Permanent("bad-json", f"the key {twice!r} occurs twice in one object")
    return result


def _integer(text: str) -> int:
    digits = len(text) - text.startswith("-")
    if digits > MAX_DIGITS:
        raise Permanent("bad-json", f"a number has {digits} digits; at most {MAX_DIGITS} are accepted")
    return int(text)


def _decimal(text: str) -> Decimal:
    size = len(text) - text.startswith("-")
    if size > MAX_DIGITS + 10:
        raise Permanent("bad-json", f"a number has {size} characters; at most {MAX_DIGITS + 10} are accepted")
    try:
        value = Decimal(text)
    except InvalidOperation:  # an exponent past what a Decimal can have
        value = None
    if value is None or abs(value.adjusted()) > MAX_DIGITS:
        raise Permanent("bad-json", f"the number {text} is out of range")
    return value


def over_caps(value: int | Decimal) -> str:
    """Why `parse` would refuse a number as `encode` writes it; empty when it would read it."""
    if type(value) is int:
        return "" if -_PAST < value < _PAST else f"a number has more than {MAX_DIGITS} digits"
    text = str(value)
    if len(text) <= MAX_DIGITS and "E" not in text:
        return ""
    try:
        if "." in text or "E" in text:
            _decimal(text)
        else:
            _integer(text)
    except Permanent as failure:
        return failure.detail
    return ""


def _constant(text: str) -> Any:
    raise Permanent("bad-json", f"{text} is not a JSON value")


_strict = json.JSONDecoder(object_pairs_hook=_pairs, parse_int=_integer, parse_float=_decimal, parse_constant=_constant)


def parse(raw: bytes | str) -> Any:
    """JSON from outside: UTF-8, no duplicate keys, no NaN, depth and digits capped. Raises Permanent `bad-json`."""
    try:
        text = raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw
        check_depth(text)
        value = _strict.decode(text)
        if "\\u" in text or isinstance(raw, str):
            _refuse_halves(value, text)
        return value
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{error.object[error.start]:02X} is not UTF-8 ({error.reason})"
        raise Permanent("bad-json", f"line {line}: {what}") from None
    except json.JSONDecodeError as error:
        why = f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        raise Permanent("bad-json", f"line {error.lineno}, column {error.colno}: {why}") from None
    except RecursionError:
        raise Permanent("bad-json", f"nested deeper than {MAX_DEPTH} levels") from None


def _refuse_halves(value: Any, text: str) -> None:
    """Half a surrogate pair is text that nobody could write again. Raises Permanent `bad-json` that says where it is."""
    try:
        encode(value)
    except UnicodeEncodeError:
        at, half = next(_halves(text))
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        why = f"{half} is half of a surrogate pair, which is no character; both halves or neither must be there"
        raise Permanent("bad-json", f"line {line}, column {column}: {why}") from None


def _halves(text: str) -> Iterator[tuple[int, str]]:
    """Where half a pair stands in the text, and how it is written: as an escape (its backslash), or as it is."""
    for found in _ESCAPE.finditer(text):
        if half := found["half"]:
            yield found.start(), half if half.isascii() else ascii(half)[1:-1]


def check_depth(text: str) -> None:
    """Refuse deep nesting before any parser recurses into it."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth, inside, escaped = 0, False, False
    for char in text:
        if inside:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                inside = False
        elif char == '"':
            inside = True
        elif char in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Permanent("bad-json", f"nested deeper than {MAX_DEPTH} levels")
        elif char in "]}":
            depth -= 1


def normal(value: Any) -> Any:
    """The value with keys sorted and equal numbers written equally: 1.50 and 1.5 are one."""
    if isinstance(value, dict):
        return {key: normal(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [normal(item) for item in value]
    if isinstance(value, Decimal):
        return Decimal(plain(value))
    return value


def digest_of(value: Any) -> str:
    """32 hex digits of SHA-256 over the normal form of a JSON value. Raises Permanent `not-encodable`."""
    return hashlib.sha256(written(normal(value))).hexdigest()[:32]

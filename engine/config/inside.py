"""Which character of a file each character of a scalar's value comes from, for every YAML style."""

from __future__ import annotations

from engine.config.nodes import Scalar

_LONG_ESCAPES = {"x": 2, "u": 4, "U": 8}
_BLANK = " \t\r\n"


def source_indexes(text: str, scalar: Scalar, value: str) -> list[int]:
    """For each character of the scalar's value its index in `text`; one entry per character, never decreasing."""
    start, end, style = scalar
    if style == '"':
        return _double_quoted(text, value, start + 1, end - 1)
    if style == "'":
        return _aligned(text, value, start + 1, end - 1, doubled="'")
    if style in ("|", ">"):
        newline = text.find("\n", start)
        return _aligned(text, value, newline + 1 if newline >= 0 else end, end)
    return _aligned(text, value, start, end)


def _aligned(text: str, value: str, start: int, end: int, doubled: str = "") -> list[int]:
    """Folding changes white space only, so the other characters stand in the file in the same order."""
    indexes: list[int] = []
    position = start
    for char in value:
        if char not in _BLANK:
            while position < end and text[position] in _BLANK:
                position += 1
        indexes.append(min(position, max(start, end - 1)))
        if char not in _BLANK:
            position += 2 if char == doubled else 1
        elif position < end and text[position] in _BLANK:
            position += 1
    return indexes


def _double_quoted(text: str, value: str, start: int, end: int) -> list[int]:
    indexes: list[int] = []
    position = start
    for char in value:
        position = _over_line_breaks(text, position, end, char)
        indexes.append(min(position, max(start, end - 1)))
        position += _width(text, position, end, char)
    return indexes


def _over_line_breaks(text: str, position: int, end: int, char: str) -> int:
    """Skip escaped line breaks always, and the indentation behind a break unless it gives this white space."""
    while position < end:
        if text[position] == "\\" and text[position + 1] in "\r\n":
            position = _after_blanks(text, position + 1, end)
        elif char not in _BLANK and text[position] in _BLANK:
            position += 1
        else:
            break
    return position


def _after_blanks(text: str, position: int, end: int) -> int:
    while position < end and text[position] in _BLANK:
        position += 1
    return position


def _width(text: str, position: int, end: int, char: str) -> int:
    if position >= end:
        return 0
    if text[position] == "\\":
        return 2 + _LONG_ESCAPES.get(text[position + 1], 0)
    if char in _BLANK and text[position] not in _BLANK:
        return 0
    return 1

"""The lines of a file around a place, with a caret under it: aligned, cut to a width, and without secrets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from engine.core.findings import Mark
from engine.core.masking import mask_url_password

TAB: Final = 4
_LONGEST_LINE: Final = 1 << 20  # bytes: a longer one is shown nowhere
# A key is looked for by its end alone, and a reference has an end: every search is linear in the line.
_SECRET: Final = re.compile(
    r"""(?ix) (?P<key>
        (?: password | passwd | passphrase | secret | token | credential
           | (?: api | private | signing | access ) [_-]? key )
        s? ["']? \s* : \s+ ) (?P<value> \$\{[^}]{0,300}+\} | "(?:[^"\\]|\\.)*" | '(?:[^']|'')*' | [^\s,}\]\#][^,}\]\#]* )"""
)
_REFERENCE: Final = re.compile(r"""["']?(\$\{[^}]*\}|lookup\(.*|[\[{|>].*)["']?\s*""")


def printable(text: str) -> str:
    """The text without anything a terminal would obey."""
    return "".join(char if char.isprintable() else _shown(char) for char in text)


def _shown(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"


def _cell_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _cells(line: str) -> Iterator[tuple[str, int]]:
    """What is shown for each character, and how many columns it takes."""
    for char in line:
        if char == "\t":
            yield " " * TAB, TAB
        elif char.isprintable():
            yield char, _cell_width(char)
        else:
            shown = _shown(char)
            yield shown, len(shown)


@lru_cache(maxsize=4)  # a line with many findings
def masked(line: str) -> str:
    """The line with literal values of keys that look like secrets as stars, and passwords in addresses; same length."""

    def cover(match: re.Match[str]) -> str:
        value = match["value"]
        if _REFERENCE.fullmatch(value):
            return match[0]
        kept = len(value) - len(value.rstrip())
        return match["key"] + "*" * (len(value) - kept) + value[len(value) - kept :]

    return mask_url_password(_SECRET.sub(cover, line))


def _lines(content: bytes, first: int, last: int) -> list[str]:
    """These lines of a file, counted from 1; none when it is empty or has fewer, or when one is too long to look at."""
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n", max(0, last))[: max(0, last)]
    wanted = lines[first - 1 :]
    if len(lines) < last or not content.strip(b"\xef\xbb\xbf\n") or max(map(len, wanted), default=0) > _LONGEST_LINE:
        return []
    return [line.decode("utf-8", "replace").rstrip("\r") for line in wanted]


def excerpt(mark: Mark, content: bytes | None, width: int, context: int = 1) -> list[tuple[str, str, bool]]:
    """(gutter, text, is the caret line) for the place and up to `context` lines above it; nothing without the file."""
    first = max(1, mark.line - context)
    lines = _lines(content or b"", first, mark.line)
    if not lines:
        return []
    number_width = len(str(mark.line))
    blank = " " * number_width + " |"
    room = max(20, width - len(blank) - 2)
    start, end = mark.column - 1, max(mark.column, mark.end_column - 1)
    shown = [(blank, "", False)]
    for number, line in enumerate(lines[:-1], first):
        text, _ = _window(masked(line), 0, 0, room)
        if text.strip():
            shown.append((f"{number:>{number_width}} |", text, False))
    text, caret = _window(masked(lines[-1]), start, end, room)
    shown.append((f"{mark.line:>{number_width}} |", text, False))
    shown.append((blank, caret, True))
    return shown


def _window(line: str, start: int, end: int, room: int) -> tuple[str, str]:
    """The part of a line around characters start..end that fits into `room` columns, and the carets below it."""
    far = max(0, start - 4 * room)  # what is far away is not even measured; nearly every character has a width
    line, start, end = line[far : start + 8 * room], start - far, min(end - far, start - far + 4 * room)
    cells = list(_cells(line))
    first, before = 0, sum(width for _, width in cells[:start])
    marked = max(1, sum(width for _, width in cells[start:end]))
    total = sum(width for _, width in cells)
    lead = ""
    if total > room and before + min(marked, room // 2) > room - 2:
        lead = "…"
        while before > room // 3:
            before -= cells[first][1]
            first += 1
    shown, used = lead, len(lead)
    for position, (text, width) in enumerate(cells[first:], first):
        if used + width > room - (position + 1 < len(cells)):
            shown += "…"
            break
        shown, used = shown + text, used + width
    column = before + len(lead)
    return shown, " " * column + "^" * max(1, min(marked, room - column))

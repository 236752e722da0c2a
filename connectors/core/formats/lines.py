"""Text files as physical lines: decoded one by one, so that one bad line spoils only itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from connectors.core.formats.caps import MAX_LINE
from engine.sdk import Permanent

_WIDE = {"utf-16", "utf-16-le", "utf-16-be", "utf-32"}


class Line(NamedTuple):
    """A physical line with its ending. `number` counts from 1.

    With a `problem`, which says what is wrong with it, `text` is only good for showing.
    """

    number: int
    text: str
    raw: bytes
    problem: str = ""


def physical_lines(content: bytes, encoding: str, *, always: bool = False) -> list[Line]:
    """All lines. An encoding whose line ends are not single bytes is decoded whole.

    always   the format has this encoding and no other
    """
    if encoding in _WIDE:
        return [Line(n, text, text.encode()) for n, text in enumerate(_whole(content, encoding), 1)]
    content = content.removeprefix(b"\xef\xbb\xbf")
    advice = "save it" if always else "declare `encoding:` or save it"
    return [_line(number, raw, encoding, advice) for number, raw in enumerate(content.splitlines(keepends=True), 1)]


def _whole(content: bytes, encoding: str) -> Iterator[str]:
    try:
        text = content.decode(encoding)
    except UnicodeError:
        text = f"the file is not {encoding.upper()} text; declare the `encoding:` it has"
        raise Permanent("corrupt-document", text) from None
    return iter(text.splitlines(keepends=True))


def _line(number: int, raw: bytes, encoding: str, advice: str) -> Line:
    if len(raw) > MAX_LINE:
        return Line(number, "", raw[:200], f"the line has {len(raw)} bytes; at most {MAX_LINE} are accepted")
    if b"\0" in raw:
        return Line(number, "", raw, "the line holds a NUL byte")
    try:
        return Line(number, raw.decode(encoding), raw)
    except UnicodeError as error:
        return Line(number, raw.decode(encoding, "replace"), raw, _undecoded(raw, encoding, error, advice))


def _undecoded(raw: bytes, encoding: str, error: UnicodeError, advice: str) -> str:
    name = encoding.upper()
    what = "the text"
    if isinstance(error, UnicodeDecodeError):
        what = f"byte 0x{raw[error.start]:02X}, byte {error.start + 1} of the line,"
    return f"{what} is not {name}; {advice} as {name}"

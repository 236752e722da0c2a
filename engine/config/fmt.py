"""`tillflow fmt`: one canonical layout of a YAML file. Data, comments and the order of keys never change.

Normalised: indentation (two spaces, lists inside their key), spaces around `: , - [ ] { }` (values that stand in one
column stay there), quotes (double where nothing has to be escaped), trailing space, blank lines, the end of the file.
Every result is read again and compared; where anything differs, only white space at line ends is cleaned.
"""

from __future__ import annotations

from typing import Any

from engine.config.fmtlines import comments_of, laid_out, without_trailing_space
from engine.config.yaml import read_text


def format_text(text: str) -> str:
    """The canonical form of a file; idempotent. A file that cannot be read is given back as it is."""
    text = text.removeprefix("\ufeff")
    before = text.replace("\r\n", "\n")
    data = _data(before)
    if data is None:
        return text
    for attempt in (_stable, without_trailing_space):
        after = attempt(before)
        if _same(data, _data(after)) and comments_of(before) == comments_of(after):
            return after
    return before


def _stable(text: str) -> str:
    """Laid out until nothing changes any more; a layout that does not settle is none."""
    for _ in range(4):
        after = laid_out(text)
        if after == text:
            return after
        text = after
    return ""


def _data(text: str) -> tuple[Any] | None:
    document, findings = read_text("", text)
    return (document.data,) if document is not None and not findings else None


def _same(before: Any, after: Any) -> bool:
    """Equal in value, type and order of keys."""
    if type(before) is not type(after):
        return False
    if isinstance(before, dict):
        return list(before) == list(after) and all(_same(before[key], after[key]) for key in before)
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(_same, before, after))
    return str(before) == str(after)

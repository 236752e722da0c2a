"""Texts of files and events as messages quote them: enough to know them by, never pages of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LONGEST = 120  # characters
EXCERPT = 500  # characters
_END = 100  # characters of an excerpt that are the end of its text: what is wrong often stands there


def short(text: str, most: int = LONGEST) -> str:
    """The text in one line, its end left out where it is long."""
    line = " ".join(text[: most * 4].split())
    cut = len(text) > most * 4
    return f"{line[: most - 3]}..." if len(line) > most or cut else line


def excerpt(text: str, most: int = EXCERPT) -> str:
    """The text, its middle left out where it is long."""
    if len(text) <= most:
        return text
    return f"{text[: most - _END - 1]}\u2026{text[-_END:]}"


def excerpts(value: Any) -> Any:
    """A JSON value with an excerpt of each of its texts; keys and numbers stay."""
    if isinstance(value, str):
        return excerpt(value)
    if isinstance(value, Mapping):
        return {key: excerpts(one) for key, one in value.items()}
    return [excerpts(one) for one in value] if isinstance(value, list | tuple) else value

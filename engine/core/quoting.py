"""Texts of files and events as messages quote them: enough to know them by, never pages of them."""

from __future__ import annotations

LONGEST = 120  # characters


def short(text: str, most: int = LONGEST) -> str:
    """The text in one line, its end left out where it is long."""
    line = " ".join(text[: most * 4].split())
    cut = len(text) > most * 4
    return f"{line[: most - 3]}..." if len(line) > most or cut else line

"""The nearest known word to one that is not known."""

from __future__ import annotations

import re
from collections.abc import Iterable


def distance(left: str, right: str) -> int:
    """Edits between two words: insert, delete, replace, swap of neighbours."""
    before: list[int] = []
    last = list(range(len(right) + 1))
    for row, char in enumerate(left, 1):
        line = [row]
        for column, other in enumerate(right, 1):
            cost = min(last[column] + 1, line[-1] + 1, last[column - 1] + (char != other))
            if row > 1 and column > 1 and char == right[column - 2] and left[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        before, last = last, line
    return last[-1]


def _undoubled(word: str) -> str:
    """A letter typed twice is the commonest slip: `netts` is nearer to `nets` than to `netto`."""
    return re.sub(r"(.)\1", r"\1", word)


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, or empty text when none is close.

    Of equally close words one that only doubles a letter comes first, then one with the same first letter.
    """
    low = word.lower()
    allowed = 1 if len(word) <= 3 else max(2, len(word) // 3)
    best: tuple[int, bool, bool, int, str] | None = None
    for name in known:
        if abs(len(name) - len(word)) > allowed:
            continue
        edits = distance(low, name.lower())
        rank = (
            edits,
            _undoubled(name.lower()) != _undoubled(low),
            name[:1].lower() != low[:1],
            abs(len(name) - len(word)),
            name,
        )
        if edits <= allowed and edits < len(word) and (best is None or rank < best):
            best = rank
    return best[-1] if best else ""

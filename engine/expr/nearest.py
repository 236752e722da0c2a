"""The nearest known word to one that is not known."""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.distance import distance, undoubled


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
            undoubled(name.lower()) != undoubled(low),
            name[:1].lower() != low[:1],
            abs(len(name) - len(word)),
            name,
        )
        if edits <= allowed and edits < len(word) and (best is None or rank < best):
            best = rank
    return best[-1] if best else ""

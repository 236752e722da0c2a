"""The nearest valid name for a wrong one, by Damerau-Levenshtein distance."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from engine.core.distance import distance, undoubled


def _plain(text: str) -> str:
    return re.sub(r"[-_. ]", "", text).lower()


def nearest(name: str, known: Iterable[str], fits: Collection[str] = (), count: int = 3) -> list[str]:
    """At most `count` of the known names, the most likely first; those in `fits` (right type) win a draw.

    Nothing when no name is near: a wrong suggestion is worse than none.
    """
    limit = max(1, min(3, (len(name) + 1) // 3))
    plain = _plain(name)
    ranked = []
    for other in dict.fromkeys(known):
        far = distance(name, other, limit)
        if far > limit:
            far = _related(plain, _plain(other), limit)
        if far <= limit:
            doubled = undoubled(name) != undoubled(other)
            ranked.append((far, other not in fits, doubled, other[:1] != name[:1], abs(len(other) - len(name)), other))
    return [entry[-1] for entry in sorted(ranked)[:count]]


def _related(name: str, other: str, limit: int) -> int:
    """Distance when only case and separators differ, or when one is the beginning of the other."""
    if name == other:
        return 1
    shorter, longer = sorted((name, other), key=len)
    if len(shorter) >= 3 and longer.startswith(shorter):
        return limit
    return limit + 1


def suggestion(name: str, known: Iterable[str], fits: Collection[str] = ()) -> str:
    """The most likely name, or empty."""
    return next(iter(nearest(name, known, fits, count=1)), "")


def did_you_mean(names: list[str]) -> str:
    """`did you mean a, b or c?`, or empty."""
    if not names:
        return ""
    quoted = [f"`{name}`" for name in names]
    return f"did you mean {' or '.join([', '.join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)}?"

"""The nearest valid name for a wrong one, by Damerau-Levenshtein distance."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable


def distance(a: str, b: str, limit: int = 99) -> int:
    """Insertions, deletions, replacements and swaps of neighbours that lead from a to b; `limit` + 1 when more."""
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    previous = list(range(len(b) + 1))
    for i, char in enumerate(a, 1):
        current = [i]
        for j, other in enumerate(b, 1):
            cost = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (char != other))
            if i > 1 and j > 1 and char == b[j - 2] and a[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return limit + 1
        before, previous = previous, current
    return min(previous[-1], limit + 1)


def _plain(text: str) -> str:
    return re.sub(r"[-_. ]", "", text).lower()


def _undoubled(text: str) -> str:
    """A letter typed twice is the commonest slip: `eventt` means `event`, not `events`."""
    return re.sub(r"(.)\1", r"\1", text)


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
            doubled = _undoubled(name) != _undoubled(other)
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

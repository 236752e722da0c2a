"""How far two words are from each other, as slips of a hand: Damerau-Levenshtein distance."""

from __future__ import annotations

import re


def distance(a: str, b: str, limit: int = 1_000_000) -> int:
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


def undoubled(word: str) -> str:
    """A letter typed twice is the commonest slip: `eventt` means `event`, not `events`."""
    return re.sub(r"(.)\1", r"\1", word)

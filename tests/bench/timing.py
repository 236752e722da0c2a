"""Timing that a busy machine disturbs little: many short rounds, alternating where things are compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median


def micros(work: Callable[[], object], rounds: int = 15, least: float = 0.02) -> float:
    """Median microseconds of one call."""
    count = 1
    while True:
        taken = _once(work, count)
        if taken >= least:
            break
        count = max(count * 2, int(count * least / max(taken, 1e-9)))
    return median(_once(work, count) for _ in range(rounds)) / count * 1e6


def compared(ours: Callable[[], object], theirs: Callable[[], object], rounds: int = 15) -> tuple[float, float]:
    """Median microseconds of both, measured in turns."""
    pairs = [(micros(ours, 1), micros(theirs, 1)) for _ in range(rounds)]
    return median(a for a, _ in pairs), median(b for _, b in pairs)


def _once(work: Callable[[], object], count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        work()
    return time.perf_counter() - began

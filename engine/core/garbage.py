"""When a process looks for garbage: not while nearly everything it makes stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Thousands of events in hand are a few hundred thousand containers that live for a moment and make no cycles.
# With Python's own thresholds looking at them again and again takes a fifth of all time (measured).
_THRESHOLDS = (50_000, 20, 20)


@contextmanager
def collecting_later() -> Iterator[None]:
    """While modules are imported or a project is compiled: looking meanwhile only takes time (up to half of it)."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Settling:
    """For a process that has a quiet collector and loads more now and then: what it made meanwhile is not looked at when
    it is done, which would stop everything for tens of milliseconds. Every MOST-th time all of it is, so that what was
    replaced since, and points to itself, goes.
    """

    MOST = 50

    def __init__(self) -> None:
        self._times = 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """While it loads, also over turns of an event loop."""
        with collecting_later():
            yield
            self._times += 1
            if self._times % self.MOST == 0:
                gc.unfreeze()
                gc.collect()
            gc.freeze()


@contextmanager
def quiet_collector() -> Iterator[None]:
    """For a process that runs routes: look seldom, and never again at what is loaded by now."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()

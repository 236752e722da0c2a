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

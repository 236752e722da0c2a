"""What is loaded while routes run is not looked at when it is done, and what it replaced goes all the same."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from weakref import ref

import pytest

from engine.core.garbage import Settling


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    gc.unfreeze()


class Plan:
    """Something that points to itself."""

    def __init__(self) -> None:
        self.me = self


def test_what_was_loaded_is_not_looked_at_when_it_is_done() -> None:
    seen: list[str] = []
    settling = Settling()
    gc.callbacks.append(lambda phase, info: seen.append(phase))
    try:
        with settling():
            made = [Plan() for _ in range(200_000)]
        more = [[] for _ in range(200)]  # type: ignore[var-annotated]
    finally:
        gc.callbacks.pop()
    assert not seen
    assert gc.get_freeze_count() > len(made) > len(more)
    assert gc.isenabled()


def test_what_was_replaced_goes_in_the_end() -> None:
    settling, plan = Settling(), Plan()
    former = ref(plan)
    for turn in range(Settling.MOST):
        assert former() is not None
        with settling():
            if turn == 0:
                del plan
    assert former() is None

"""Which workers of a state folder were killed, as the locks on their places tell it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.backends.sqlite import Owned, OwnerLock
from engine.cells import Neighbours, worker_name
from engine.settings import Settings

Begin = Callable[[int], OwnerLock]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, tmp_path, workers=3, worker=1)


@pytest.fixture
def begin(settings: Settings) -> Begin:
    """A worker takes its place."""

    def taken(number: int) -> OwnerLock:
        lock = OwnerLock(settings.state / f"worker-{number}.lock")
        lock.take()
        return lock

    return taken


def kill(lock: OwnerLock) -> None:
    """As the system closes the files of a process that was killed: what it wrote stays."""
    assert lock._descriptor is not None
    os.close(lock._descriptor)
    lock._descriptor = None


def killed(neighbours: Neighbours) -> list[str]:
    with neighbours.killed() as names:
        return list(names)


def test_who_was_killed_is_told_once(settings: Settings, begin: Begin) -> None:
    neighbours = Neighbours(settings)
    locks = {number: begin(number) for number in (1, 2, 3)}
    assert killed(neighbours) == []
    kill(locks[2])
    assert killed(neighbours) == [worker_name(replace(settings, worker=2))]
    assert killed(neighbours) == []
    kill(begin(2))
    assert len(killed(neighbours)) == 1, "and its next life again"


def test_who_stopped_was_not_killed(settings: Settings, begin: Begin) -> None:
    begin(2).free()
    assert killed(Neighbours(settings)) == []


def test_nobody_begins_in_the_place_of_a_dead_one_meanwhile(settings: Settings, begin: Begin) -> None:
    kill(begin(2))
    with Neighbours(settings).killed() as names:
        assert len(names) == 1
        with pytest.raises(Owned):
            begin(2)
    begin(2).free()


def test_one_that_nothing_could_be_done_for_is_told_again_unless_it_lives(settings: Settings, begin: Begin) -> None:
    neighbours = Neighbours(settings)
    kill(begin(2))
    kill(begin(3))
    with pytest.raises(TimeoutError), neighbours.killed():
        raise TimeoutError
    lock = begin(3)
    assert killed(neighbours) == [worker_name(replace(settings, worker=2))]
    lock.free()
    assert killed(neighbours) == []

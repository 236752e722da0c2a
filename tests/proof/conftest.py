"""Fixtures of the proofs: an outside system in a process of its own, and scenarios that run side by side."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.proof.place import ROOT

AT_ONCE = 28  # scenarios; they mostly wait: for leases that run out, and for delay tiers


@dataclass(frozen=True)
class Outside:
    """The running tests/proof/outside.py: its address, and the folder with its logs."""

    url: str
    folder: Path


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    folder = tmp_path_factory.mktemp("outside")
    command = [sys.executable, "-m", "tests.proof.outside", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        yield Outside(process.stdout.readline().strip(), folder)
        process.stdin.close()


class SideBySide:
    """Runs the scenarios of a module at once: of those tests that were chosen, each under its own name.

    slow      those for which it is true begin first
    at_once   so many of them
    """

    def __init__(
        self, run: Callable[[Any], Any], chosen: list[Any], slow: Callable[[Any], bool] = bool, at_once: int = AT_ONCE
    ) -> None:
        self._pool = ThreadPoolExecutor(at_once)
        ordered = sorted(chosen, key=slow, reverse=True)
        self._futures: dict[Any, Future[Any]] = {one: self._pool.submit(run, one) for one in ordered}

    def __getitem__(self, scenario: Any) -> Any:
        """What came out of it, or what it raised."""
        return self._futures[scenario].result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def chosen(request: pytest.FixtureRequest, argument: str) -> list[Any]:
    """The values of a parameter in those tests of this module that will run."""
    found = []
    for item in request.session.items:
        if isinstance(item, pytest.Function) and item.module is request.module and hasattr(item, "callspec"):
            value = item.callspec.params.get(argument)
            if value is not None and value not in found:
                found.append(value)
    return found

"""Whether the transport takes what is published: a state of the whole engine, told when it changes and not at every try.

Kept by those who wait, not by single answers: while one queue refuses what others take, its state is still one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

Log = Callable[[str, Mapping[str, Any]], None]


class Blockage:
    """How many publishers of this process wait for the transport."""

    def __init__(self) -> None:
        self._waiting = 0
        self._told = False

    def publishing(self, log: Log) -> Publishing:
        """Around one publish with all its tries."""
        return Publishing(self, log)

    def begins(self, log: Log, why: str) -> None:
        """One more waits."""
        self._waiting += 1
        if not self._told:
            self._told = True
            log("the transport takes nothing; waiting", {"reason": why})

    def ends(self, log: Log, waited: bool, done: bool) -> None:
        """A publish ended: all of it was taken (`done`), or it was given up."""
        self._waiting -= waited
        if done and self._told and not self._waiting:
            self._told = False
            log("the transport takes again what is published", {})


class Publishing:
    """One publish. `blocked` says that a try of it was not taken."""

    def __init__(self, blockage: Blockage, log: Log) -> None:
        self._blockage = blockage
        self._log = log
        self._waited = False

    def blocked(self, why: str) -> None:
        """It waits now, if it did not already."""
        if not self._waited:
            self._waited = True
            self._blockage.begins(self._log, why)

    def __enter__(self) -> Publishing:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._blockage.ends(self._log, self._waited, kind is None)

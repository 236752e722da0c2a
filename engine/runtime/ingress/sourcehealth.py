"""How a source stands: well or failing, for readiness at any time and for the log once per change."""

from __future__ import annotations

from collections.abc import Callable

from engine.core.clock import Clock

SETTLED = 5.0  # seconds without a failure after which an earlier one counts as over
_QUIET = SETTLED * 0.9  # a timer may be early


class Standing:
    """`problem` says why nothing comes in, empty when it does.

    A source that fails is tried again and again; its log tells the first failure, another one, and its end.
    """

    def __init__(self, clock: Clock, log: Callable[[str, str], None]) -> None:
        self._clock = clock
        self._log = log
        self._told = ""
        self._since = 0.0  # it reads, without a failure
        self.problem = ""

    def begins(self) -> None:
        """It begins to read, which is no sign yet that it can."""
        self._since = self._clock.monotonic()

    def failed(self, problem: str) -> None:
        """It failed, once more or for the first time."""
        self.problem = problem
        self._since = self._clock.monotonic()
        if problem != self._told:
            self._told = problem
            self._log("a source failed", problem)

    def waits(self) -> None:
        """Another process runs it: nothing is wrong here."""
        self.problem = ""

    def works(self) -> None:
        """It takes in. An earlier problem is told to be over when it has read for a while since."""
        self.problem = ""
        if self._told and self._clock.monotonic() - self._since >= _QUIET:
            before, self._told = self._told, ""
            self._log("a source is well again", before)

"""Requests that are refused at the door: each is counted, and the log tells of them without being flooded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from connectors.core.http.exchange import Reply

REASONS = {
    400: "malformed",
    401: "unauthorized",
    404: "unknown-path",
    405: "wrong-method",
    408: "too-slow",
    413: "too-large",
    415: "compressed",
    503: "busy",
}
AGAIN = 60.0  # seconds until the log tells of the same reason again

Tell = Callable[[str, Mapping[str, Any]], None]


class Refusals:
    """Those of one route, or of one address where no route is known. `now` gives seconds that never go back."""

    def __init__(
        self, tell: Tell, now: Callable[[], float], count: Callable[[str], None] = lambda reason: None
    ) -> None:
        self._tell = tell
        self._now = now
        self._count = count
        self._told: dict[str, float] = {}
        self._since: Counter[str] = Counter()
        self._last: dict[str, Mapping[str, Any]] = {}

    def __call__(self, reply: Reply, peer: str) -> None:
        """One more was refused. `peer` is the address it came from."""
        reason = REASONS.get(reply.status, "other")
        self._count(reason)
        self._since[reason] += 1
        self._last[reason] = {"peer": peer, "why": reply.why or reply.says}
        told = self._told.get(reason)
        if told is None or self._now() - told >= AGAIN:
            self._say(reason)

    def rest(self) -> None:
        """Tell of those that the log does not know of yet: nothing more will come."""
        for reason in [reason for reason, count in self._since.items() if count]:
            self._say(reason)

    def _say(self, reason: str) -> None:
        self._told[reason] = self._now()
        count, self._since[reason] = self._since[reason], 0
        self._tell("requests were refused", {"reason": reason, "count": count, **self._last[reason]})

"""What an expression or template may reach besides its document."""

from __future__ import annotations

from typing import Any, Protocol


class Env(Protocol):
    """The surroundings of one evaluation. All of it is read only."""

    def meta(self, name: str) -> Any:
        """A fact of the event: id, type, schema, source, subject, time, day, region, route, attempt, header.<name>."""
        ...

    def param(self, name: str) -> Any:
        """A parameter of the route (or of the shared steps being run). Raises KeyError."""
        ...

    def secret(self, name: str, key: str = "") -> Any:
        """A Secret, optionally one of a family by key. Raises KeyError."""
        ...

    def lookup(self, table: str, key: Any, on: str = "") -> dict[str, Any]:
        """A row of a reference table, as of a date. Raises Failure `reference-missing` on a miss."""
        ...

    def find(self, table: str, key: Any, on: str = "") -> dict[str, Any] | None:
        """As lookup, None on a miss."""
        ...

    def now(self) -> int:
        """The clock, UTC microseconds."""
        ...

    def at(self, schema: str) -> Env:
        """The same surroundings for data that follows another schema."""
        ...

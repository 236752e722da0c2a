"""What expressions of one event reach: outside a route its own facts, in a route everything else too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct

from engine.compile.plan import Plan
from engine.core.clock import Clock, iso
from engine.core.errors import Permanent
from engine.core.event import Event
from engine.core.quoting import short
from engine.plugins.frame import StepContext
from engine.ports.secrets import Secret, SecretSource

MISSING = "reference-missing"
_FACTS = frozenset(
    {"id", "type", "source", "subject", "day", "region", "origin", "trace"}
    | {"order_key", "order_no", "amount", "currency"}
)


class TableReader(Protocol):
    """Reference tables. `runtime.tables.Tables` is one; a test may bring its own."""

    def find(self, table: str, key: Any, on: str) -> dict[str, Any] | None:
        """The row of `key` (a value, or the parts as a list) valid on the date `on`; None when there is none."""
        ...


class Surroundings(Struct, frozen=True):
    """What all runs of a process share.

    contexts   makes what waiting steps reach; None: such steps need a stub
    """

    tables: TableReader
    secrets: SecretSource
    clock: Clock
    contexts: Callable[[Plan, Event], StepContext] | None = None


class EventEnv:
    """The Env of an event outside of a route: for the identity its type declares. Only its own facts are in reach."""

    __slots__ = ("_clock", "_event")

    def __init__(self, event: Event, clock: Clock) -> None:
        self._event = event
        self._clock = clock

    def meta(self, name: str) -> Any:
        """A fact of the event; null when it has none of that name. `time` is RFC 3339 text."""
        if name in _FACTS:
            return getattr(self._event, name) or None
        if name.startswith("header."):
            return self._event.headers.get(name[7:])
        if name == "schema":
            return self._event.type if "@" in self._event.type else None
        return iso(self._event.time) if name == "time" else None

    def param(self, name: str) -> Any:
        raise KeyError(name)

    def secret(self, name: str, key: str = "") -> Secret:
        raise KeyError(name)

    def lookup(self, table: str, key: Any, on: str = "") -> dict[str, Any]:
        row = self.find(table, key, on)
        if row is None:
            shown = ", ".join(map(str, key)) if isinstance(key, list | tuple) else str(key)
            raise Permanent(
                MISSING, f"table `{table}` has no row `{short(shown)}`", data={"table": table, "key": shown}
            )
        return row

    def find(self, table: str, key: Any, on: str = "") -> dict[str, Any] | None:
        raise Permanent("no-tables", "the identity of an event must not depend on a table: rows change, it must not")

    def now(self) -> int:
        return self._clock.now()

    def at(self, schema: str) -> EventEnv:
        return self


class RouteEnv(EventEnv):
    """The Env of one event in one route, for data that follows one schema."""

    __slots__ = ("_around", "_attempt", "_plan", "_schema")

    def __init__(self, plan: Plan, event: Event, schema: str, around: Surroundings, attempt: int = 1) -> None:
        self._event = event  # the same as the base's own, without a call: one is made for each event
        self._clock = around.clock
        self._plan = plan
        self._schema = schema
        self._around = around
        self._attempt = attempt

    def meta(self, name: str) -> Any:
        if name == "schema":
            return self._schema or None
        if name == "route":
            return self._plan.route
        return self._attempt if name == "attempt" else super().meta(name)

    def param(self, name: str) -> Any:
        return self._plan.params[name]

    def secret(self, name: str, key: str = "") -> Secret:
        return self._around.secrets.get(f"{name}.{key}" if key else name)

    def find(self, table: str, key: Any, on: str = "") -> dict[str, Any] | None:
        return self._around.tables.find(table, key, on or self._event.day)

    def at(self, schema: str) -> RouteEnv:
        return RouteEnv(self._plan, self._event, schema, self._around, self._attempt)

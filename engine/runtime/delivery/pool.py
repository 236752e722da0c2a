"""Opened connections, by the digest of their configuration: opened on first use, shared, closed when nobody wants them.

A route that is edited keeps the connection it had; a connection that is edited is opened anew beside the old one,
which is closed when the last request through it has ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Protocol

from engine.compile.plan import PlannedConnection
from engine.core.clock import Clock
from engine.core.errors import Failure, Permanent, Transient
from engine.plugins.contracts import Action, Call, Connection, Sink
from engine.plugins.registry import Registry
from engine.runtime.cell import Log
from engine.runtime.delivery.limits import Gate
from engine.runtime.delivery.share import Share
from engine.runtime.people.counts import Counts


class Connections(Protocol):
    """Where configured connections are found by name; the current Plans are one."""

    def connection(self, name: str) -> PlannedConnection | None: ...


class Opened:
    """One opened connection with the sinks and calls built over it."""

    def __init__(self, planned: PlannedConnection, connection: Connection | None) -> None:
        self.planned = planned
        self.connection = connection
        self.users = 0
        self.sinks: dict[str, Sink] = {}
        self.calls: dict[str, Call] = {}


class Pool:
    """The connections of one process. Everything that talks to an outside system borrows from here."""

    def __init__(self, registry: Registry, clock: Clock, log: Log, counts: Counts | None = None) -> None:
        self._counts = counts or Counts()
        self._registry = registry
        self._clock = clock
        self._log = log
        self.share = Share(clock)
        self._opened: dict[str, Opened] = {}
        self._opening: dict[str, asyncio.Lock] = {}
        self._wanted: frozenset[str] | None = None
        self._gates: dict[str, Gate] = {}

    def gate(self, planned: PlannedConnection) -> Gate:
        """The limits of a connection; new ones when its configuration changed."""
        gate = self._gates.get(planned.name)
        if gate is None or gate.planned != planned:
            gate = self._gates[planned.name] = Gate(planned, self._clock, self._counts, self.share)
        return gate

    def gates(self) -> list[Gate]:
        """Every gate that was used."""
        return list(self._gates.values())

    @asynccontextmanager
    async def connection(self, planned: PlannedConnection) -> AsyncIterator[Any]:
        """Borrow the opened Connection (None where the connector opens nothing). Raises Failure."""
        async with self._borrowed(planned) as opened:
            yield opened.connection

    @asynccontextmanager
    async def sink(self, planned: PlannedConnection, use: str) -> AsyncIterator[Sink]:
        """Borrow the Sink of connector `use` on this connection. Raises Failure when it cannot be opened."""
        async with self._borrowed(planned) as opened:
            if use not in opened.sinks:
                opened.sinks[use] = self._built("sink", use, opened)
            yield opened.sinks[use]

    @asynccontextmanager
    async def call(self, planned: PlannedConnection, use: str) -> AsyncIterator[Call]:
        """Borrow the Call of connector `use` on this connection. Raises Failure when it cannot be opened."""
        async with self._borrowed(planned) as opened:
            if use not in opened.calls:
                opened.calls[use] = self._built("call", use, opened)
            yield opened.calls[use]

    def call_action(self, use: str, action: str) -> Action:
        """What a Call declares of one of its actions. Raises Permanent `no-such-action`."""
        actions: dict[str, Action] = self._component("call", use).actions
        if action not in actions:
            raise Permanent("no-such-action", f"{use} has no call `{action}`; it has {', '.join(sorted(actions))}")
        return actions[action]

    async def keep(self, wanted: Iterable[PlannedConnection]) -> None:
        """From now on these are wanted; others are closed as soon as nothing uses them."""
        self._wanted = frozenset(planned.digest for planned in wanted)
        for digest in [digest for digest in self._opened if self._idle(digest)]:
            await self._close(digest)

    async def close(self) -> None:
        """Close everything. Only when nothing uses it any more."""
        for digest in list(self._opened):
            await self._close(digest)

    @asynccontextmanager
    async def _borrowed(self, planned: PlannedConnection) -> AsyncIterator[Opened]:
        opened = self._opened.get(planned.digest) or await self._open(planned)
        opened.users += 1
        try:
            yield opened
        finally:
            opened.users -= 1
            if self._idle(planned.digest):
                await self._close(planned.digest)

    async def _open(self, planned: PlannedConnection) -> Opened:
        async with self._opening.setdefault(planned.digest, asyncio.Lock()):
            if planned.digest in self._opened:
                return self._opened[planned.digest]
            connector = self._registry.connectors.get(planned.connector)
            if connector is None:
                why = self._registry.unusable(None, planned.connector) or f"{planned.connector} is not installed"
                raise Permanent("no-connector", why)
            made: Connection | None = None
            if connector.connection is not None:
                made = connector.connection(planned.config)
                await self._opening_of(planned, made)
            opened = self._opened[planned.digest] = Opened(planned, made)
            return opened

    async def _opening_of(self, planned: PlannedConnection, connection: Connection) -> None:
        try:
            async with asyncio.timeout(planned.timeout):
                await connection.open()
        except Failure:
            raise
        except Exception as error:
            text = f"connection `{planned.name}` cannot be opened: {type(error).__name__}"
            raise Transient("connection-failed", text) from error

    def _built(self, kind: Any, use: str, opened: Opened) -> Any:
        try:
            return self._component(kind, use)(opened.connection)
        except Failure:
            raise
        except Exception as error:
            text = f"the {kind} of {use} cannot be built: {type(error).__name__}"
            raise Transient("connector-error", text) from error

    def _component(self, kind: Any, name: str) -> Any:
        spec = self._registry.of(kind).get(name)
        if spec is None:
            raise Permanent("no-connector", self._registry.unusable(kind, name) or f"no {kind} `{name}` is installed")
        return spec.target

    def _idle(self, digest: str) -> bool:
        opened = self._opened.get(digest)
        return opened is not None and not opened.users and self._wanted is not None and digest not in self._wanted

    async def _close(self, digest: str) -> None:
        opened = self._opened.pop(digest, None)
        if opened is None or opened.connection is None:
            return
        try:
            await opened.connection.close()
        except Exception as error:
            self._log("closing a connection failed", {"connection": opened.planned.name, "error": type(error).__name__})

"""Which queues exist and which routes are bound to which event type: in the file, and in memory for publishing.

The units change memory while they run and may be run again; whoever submitted one that failed loads it all again.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict

from engine.backends.sqlite.queues import SHIFT, Queue
from engine.ports.transport import Address, Topology

_SEQUENCE = (1 << SHIFT) - 1


class Directory:
    """All queues of the transport. `opening` is the number of this opening of the file."""

    def __init__(self, opening: int = 0) -> None:
        self.opening = opening
        self.queues: dict[Address, Queue] = {}
        self.routes: dict[str, set[str]] = defaultdict(set)
        self._last = 0

    def next_id(self, queue: Queue) -> int:
        """An id behind every other in this queue."""
        self._last += 1
        return (queue.number << SHIFT) | self._last

    def destinations(self, to: Address) -> list[Queue]:
        """The queues that take what is sent there; none = unroutable."""
        if to.kind == "event":
            bound = self.routes.get(to.name, ())
            return [self.queues[Address("route", route)] for route in sorted(bound)]
        queue = self.queues.get(to)
        return [queue] if queue is not None else []

    def load(self, connection: sqlite3.Connection) -> None:
        """Read everything; queues that are known stay the objects they are."""
        known, self.queues = self.queues, {}
        for number, kind, name in connection.execute("SELECT number, kind, name FROM queue").fetchall():
            address = Address(kind, name)
            queue = known.get(address)
            self.queues[address] = queue or self._counted(Queue(number, address, self.opening), connection)
        self.routes.clear()
        for type_name, route in connection.execute("SELECT type, route FROM binding").fetchall():
            self.routes[type_name].add(route)

    def _counted(self, queue: Queue, connection: sqlite3.Connection) -> Queue:
        between = (queue.number << SHIFT, (queue.number + 1) << SHIFT)
        count, last = connection.execute(
            "SELECT count(*), max(id) FROM item WHERE id > ? AND id < ?", between
        ).fetchone()
        queue.count = count
        self._last = max(self._last, (last or 0) & _SEQUENCE)
        return queue

    def declare(self, connection: sqlite3.Connection, topology: Topology) -> None:
        """Add what is not there."""
        routes = [Address("route", route) for _, route in topology.bindings]
        for address in dict.fromkeys((*topology.queues, *routes)):
            if address.kind == "event":
                raise ValueError(f"{address} is no queue: event types are bound to routes")
            connection.execute("INSERT OR IGNORE INTO queue (kind, name) VALUES (?, ?)", address)
        connection.executemany("INSERT OR IGNORE INTO binding (type, route) VALUES (?, ?)", topology.bindings)
        self.load(connection)

    def unbind(self, connection: sqlite3.Connection, type_name: str, route: str) -> None:
        """Remove one binding."""
        connection.execute("DELETE FROM binding WHERE type = ? AND route = ?", (type_name, route))
        self.routes[type_name].discard(route)

    def remove(self, connection: sqlite3.Connection, address: Address) -> bool:
        """Remove a queue that is empty, with its bindings."""
        found = connection.execute("SELECT number FROM queue WHERE kind = ? AND name = ?", address).fetchone()
        if found is None:
            return True
        between = (found[0] << SHIFT, (found[0] + 1) << SHIFT)
        if connection.execute("SELECT 1 FROM item WHERE id > ? AND id < ? LIMIT 1", between).fetchone():
            return False
        connection.execute("DELETE FROM queue WHERE number = ?", found)
        if address.kind == "route":
            connection.execute("DELETE FROM binding WHERE route = ?", (address.name,))
        self.load(connection)
        return True

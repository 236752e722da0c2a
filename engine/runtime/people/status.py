"""How things stand: what does not work now, connections, queues, and what of the status is in the Store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from msgspec.structs import asdict

from engine.core.clock import iso
from engine.core.errors import StoreDown
from engine.ports.store.work import Conflicts, RecordsRefused, WorkCount
from engine.ports.store.workers import WorkersSince
from engine.runtime.cell import Cell
from engine.runtime.delivery.limits import Gate
from engine.runtime.delivery.pool import Pool
from engine.runtime.heartbeat import LIVE
from engine.runtime.people import figures
from engine.runtime.people.answers import Answer, in_hand, queue_name, worker_answer
from engine.runtime.people.hiding import hidden_text
from engine.runtime.people.promised import promises
from engine.runtime.people.undecided import missing
from engine.runtime.plans import Plans


class Standing:
    """Looks at a running engine, or at a stopped one's Store; see Control for `problems` and `state`."""

    def __init__(
        self,
        cell: Cell,
        plans: Plans,
        pool: Pool,
        problems: Callable[[], dict[str, str]],
        state: Callable[[], str],
    ) -> None:
        self._cell = cell
        self._plans = plans
        self._pool = pool
        self._engine_problems = problems
        self._state = state

    def connections(self) -> list[Answer]:
        """Every connection that this process uses, and whether its breaker lets requests through.

        state   ok; failing: the last request did, `since` then and with `why`; open: the breaker is; not_tried: by this
                process not yet
        """
        return [_connection(gate) for gate in self._pool.gates()]

    def problems(self) -> list[Answer]:
        """What does not work now; an open breaker says what is wrong outside and when it is asked again."""
        found = [_problem(part, why) for part, why in sorted(self._engine_problems().items())]
        for gate in self._pool.gates():
            if gate.breaker.open:
                seconds = max(0, round(gate.breaker.retry_after()))
                last = f" ({hidden_text(gate.trouble, gate.planned)})" if gate.trouble else ""
                why = f"too many requests failed{last}; nothing is sent, the next probe is in {seconds} s"
                found.append(_problem(f"connection/{gate.planned.name}", why))
        return found

    async def queues(self) -> list[Answer]:
        """Every queue of the transport with its counts. What another process has in hand is as it said last."""
        depths = await self._cell.transport.depths()
        elsewhere = await self._in_other_hands()
        return [
            {"queue": name, **asdict(depth), "unacked": depth.unacked + elsewhere[name]}
            for name, depth in sorted((queue_name(address), depth) for address, depth in depths.items())
        ]

    async def _in_other_hands(self) -> Counter[str]:
        try:
            rows = await self._cell.store.apply(WorkersSince(self._cell.clock.now() - round(LIVE * 1_000_000)))
        except StoreDown:
            return Counter()
        return sum((in_hand(row) for row in rows if row.name != self._cell.worker), Counter[str]())

    async def remembered(self) -> Answer:
        """What of the status is in the Store."""
        store, now = self._cell.store, self._cell.clock.now()
        try:
            counts = await store.apply(WorkCount())
            refused = await store.apply(RecordsRefused())
            conflicts = await store.apply(Conflicts())
            found = await figures.completeness(self._cell)
            judged = await promises(self._cell, self._plans, found)
            lost = await missing(self._cell, self._plans)
            live = await store.apply(WorkersSince(now - round(LIVE * 1_000_000)))
        except StoreDown:
            if self._state() == "new":
                raise
            names = ("figures", "missing", "promises", "work", "refused", "conflicts", "workers")
            return {name: [] for name in names}
        return {
            "figures": found,
            "missing": lost,
            "promises": judged,
            "work": [dict(zip(("route", "reason", "state", "count"), row, strict=True)) for row in counts],
            "refused": [{"route": route, "count": count} for route, count in refused],
            "conflicts": [{"route": route, "count": count} for route, count in conflicts],
            "workers": [worker_answer(row) for row in live],
        }


def _connection(gate: Gate) -> Answer:
    failing = gate.failing_since > 0
    state = "open" if gate.breaker.open else "failing" if failing else "ok" if gate.tried else "not_tried"
    return {
        "connection": gate.planned.name,
        "breaker": "open" if gate.breaker.open else "closed",
        "state": state,
        "since": iso(gate.failing_since) if failing else "",
        "why": hidden_text(gate.trouble, gate.planned) if failing else "",
    }


def _problem(part: str, why: str) -> Answer:
    return {"part": part, "why": why}

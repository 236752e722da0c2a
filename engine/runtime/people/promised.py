"""Judging what routes promise: `slo` over the last hour, `expect_traffic` over its own time.

Judged from rows, so the answer is the same from every process and after a restart. A route without inbox rows (neither
financial nor `route_once`) leaves nothing to judge by, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.compile.plan import Plan
from engine.ports.store.figures import Lately
from engine.runtime.cell import Cell
from engine.runtime.plans import Plans

HOUR = 3600.0  # what latencies are judged by
Figures = Mapping[str, Any]


async def promises(cell: Cell, plans: Plans, figures: Sequence[Figures]) -> list[dict[str, Any]]:
    """One entry for each promise: route, promise, wanted, found, kept (None: nothing to judge by)."""
    whole = {one["route"]: one for one in figures if not one["sink"]}
    return [
        {"route": plan.route, **entry}
        for plan in plans.all()
        if plan.slo or plan.expect_traffic
        for entry in await _of(cell, plan, whole.get(plan.route))
    ]


async def _of(cell: Cell, plan: Plan, figures: Figures | None) -> list[dict[str, Any]]:
    if not plan.has_inbox:
        wanted = {**plan.slo, **plan.expect_traffic}
        return [_entry(name, wanted[name], None, None) for name in wanted if name != "per"]
    found = list(_success(plan, figures))
    latencies = {name: wanted for name, wanted in plan.slo.items() if name != "success"}
    if latencies:
        _, took = await cell.store.apply(Lately(plan.route, _ago(cell, HOUR)))
        found += [_latency(name, wanted, took) for name, wanted in latencies.items()]
    if plan.expect_traffic:
        events, _ = await cell.store.apply(Lately(plan.route, _ago(cell, plan.expect_traffic["per"]), most=0))
        found += _traffic(plan.expect_traffic, events)
    return found


def _success(plan: Plan, figures: Figures | None) -> Iterator[dict[str, Any]]:
    """Of all that is decided, the share that is no open work item."""
    if "success" not in plan.slo:
        return
    decided = figures["received"] - figures["in_flight"] if figures else 0
    share = (decided - figures["work_items"]) / decided if figures and decided else None
    yield _entry("success", plan.slo["success"], share, None if share is None else share >= plan.slo["success"])


def _latency(name: str, wanted: float, took: Sequence[int]) -> dict[str, Any]:
    """Seconds within which that part of the deliveries had their effect."""
    if not took:
        return _entry(name, wanted, None, None)
    part = int(name.removeprefix("latency_p")) / 100
    ordered = sorted(took)
    seconds = ordered[min(len(ordered) - 1, int(part * len(ordered)))] / 1_000_000
    return _entry(name, wanted, seconds, seconds <= wanted)


def _traffic(wanted: Mapping[str, float], events: int) -> Iterator[dict[str, Any]]:
    if "at_least" in wanted:
        yield _entry("at_least", wanted["at_least"], events, events >= wanted["at_least"])
    if "at_most" in wanted:
        yield _entry("at_most", wanted["at_most"], events, events <= wanted["at_most"])


def _entry(promise: str, wanted: float, found: float | None, kept: bool | None) -> dict[str, Any]:
    return {"promise": promise, "wanted": wanted, "found": found, "kept": kept}


def _ago(cell: Cell, seconds: float) -> int:
    return cell.clock.now() - round(seconds * 1_000_000)

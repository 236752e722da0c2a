"""What each step of the sales route costs, and validate + enrich + map of one sale as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.app import load
from engine.core.clock import SystemClock
from engine.core.event import Event
from engine.core.jsonx import decode, encode
from engine.core.masking import mask_value
from engine.plugins.frame import Frame
from engine.runtime.ingress.identity import identified
from engine.runtime.router.env import RouteEnv, Surroundings
from engine.runtime.router.segment import begin
from engine.runtime.tables import FolderFiles, Tables
from engine.settings import Settings
from tests.bench.timing import micros

GOAL = 100.0


def run(root: Path) -> None:
    """Microseconds per event."""
    loaded = load(Settings(project=root, state=root / ".tillflow"), {})
    plan = loaded.routeset.plans["sales-posting"]
    clock = SystemClock()
    tables = Tables(loaded.routeset.tables, FolderFiles(root), clock, lambda text, facts: None)
    asyncio.run(tables.refresh())
    raw = (root / "routes" / "cases" / "sale.json").read_bytes()
    data = decode(raw)
    type_ = loaded.routeset.types["sale.completed@2"]
    first = Event("0" * 32, "sale.completed@2", "bench", data, clock.now(), "2026-03-14")
    event = identified(first, type_, clock).event
    around = Surroundings(tables, loaded.project and _NoSecrets(), clock)
    print("sales-posting, microseconds per event")
    _row("decode", lambda: decode(raw))
    _row("encode", lambda: encode(data))
    _row("mask (ingress)", lambda: mask_value(data))
    _row("identity (ingress)", lambda: identified(first, type_, clock))
    validate = _row(
        "validate, defaults filled", lambda: (type_.validator.violations(data), type_.validator.filled(data))
    )
    frame = Frame(event, data, event.type, RouteEnv(plan, event, event.type, around))
    costs: dict[str, float] = {}
    for planned in plan.segments[0].steps.steps:
        before = frame.data
        costs[planned.id] = _row(f"step {planned.id}", _step(planned, frame, before))
        frame.data = before
        planned.step.run(frame) if planned.when is None else None
    enriched = frame.data
    mapped = 0.0
    for sink in plan.sinks:
        if sink.mapper is not None:
            mapper = sink.mapper
            cost = _row(f"map {mapper.name}", lambda m=mapper: m.apply(enriched, frame.env))
            mapped = mapped or cost
    _row("the whole segment with its outputs", lambda: begin(plan, plan.segments[0], event, around=around))
    whole = validate + costs["products"] + mapped
    print(f"{'validate + enrich + map':<45} {whole:>9.1f}   goal below {GOAL:g}")


class _NoSecrets:
    def get(self, name: str) -> Any:
        raise KeyError(name)


def _step(planned: Any, frame: Frame, before: Any) -> Callable[[], object]:
    def work() -> None:
        frame.data = before
        if planned.when is None or planned.when.condition(before, frame.env):
            planned.step.run(frame)

    return work


def _row(name: str, work: Callable[[], object]) -> float:
    cost = micros(work, 7)
    print(f"{name:<45} {cost:>9.1f}")
    return cost

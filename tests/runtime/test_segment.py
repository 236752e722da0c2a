"""One event through one segment: every way it can end, without a transport and without an exception."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engine.core.event import Event
from engine.core.outcome import Outcome
from engine.runtime.router.env import Surroundings
from engine.runtime.router.segment import run
from tests.runtime.lab import Bench, project, sale, virtual
from tests.runtime.routes import TO_ERP, posting


class NoTables:
    """No table has any row."""

    def find(self, table: str, key: Any, on: str) -> None:
        return None


async def outcome(steps: str, to: str = TO_ERP, deadline: float = 0.0, context: Any = None, **data: Any) -> Outcome:
    made = Bench()
    plan = made.compiled(project(posting(steps, to))).plans["posting"]
    around = Surroundings(NoTables(), made.secrets, made.clock, context)
    event = Event("e" * 32, "sale@1", "test", sale("1", **data), made.clock.now(), "2026-03-14", headers={"file": "a"})
    return await run(plan, plan.segments[0], event, deadline, around=around)


@virtual
async def test_every_selected_sink_gets_its_own_document() -> None:
    to = """to:
  - {id: erp, use: lab, connection: outside, action: post, with: {reference: receipt}}
  - {id: never, use: lab, connection: outside, action: post, with: {reference: receipt}, when: "total > `99`"}
  - {id: again, event: sale@1, when: present(store)}
"""
    made = await outcome("steps:\n  - {id: on, set: {note: \"meta('header.file')\"}}\n", to)
    assert [(output.sink, output.schema) for output in made.outputs] == [("erp", ""), ("again", "sale@1")]
    assert made.outputs[1].body["note"] == "a" and made.outputs[1].body["currency"] == "EUR"


@pytest.mark.parametrize(
    ("steps", "reason", "where"),
    [
        ('steps:\n  - {id: c, check: [{that: "total > `50`", otherwise: {work_item: too-small}}]}\n', "too-small", "c"),
        ("steps:\n  - {id: d, set: {total: \"'ten'\"}}\n", "schema-violation", "sales"),
    ],
)
@virtual
async def test_a_failure_names_the_step_or_sink_and_nothing_is_published(steps: str, reason: str, where: str) -> None:
    made = await outcome(steps, "to:\n  - {id: sales, event: sale@1, when: present(store)}\n")
    assert made.failed is not None and made.outputs == ()
    assert (made.failed.failure.reason, made.failed.step) == (reason, where)


@virtual
async def test_what_a_step_breaks_by_a_defect_is_a_failure_that_says_where() -> None:
    class Broken:
        def __call__(self, plan: Any, event: Any) -> Any:
            return object()

    step = "steps:\n  - {id: t, throttle: {rate: 1/s}}\n"
    made = await outcome(step, context=Broken())
    assert made.failed is not None and made.failed.failure.reason == "step-crashed"
    assert "AttributeError" in made.failed.failure.detail


@virtual
async def test_a_deadline_ends_what_waits() -> None:
    class Slow:
        async def throttle(self, name: str, rate: float, per: float) -> None:
            await asyncio.sleep(60)

    made = await outcome(
        "steps:\n  - {id: t, throttle: {rate: 1/s}}\n", deadline=0.25, context=lambda plan, event: Slow()
    )
    assert made.failed is not None
    assert (made.failed.failure.kind, made.failed.failure.reason) == ("transient", "deadline-exceeded")


@virtual
async def test_a_step_that_needs_the_engine_says_so_without_one() -> None:
    made = await outcome("steps:\n  - {id: t, throttle: {rate: 1/s}}\n")
    assert made.failed is not None and made.failed.failure.reason == "needs-engine"


@virtual
async def test_items_of_a_split_that_end_differently_keep_their_own_schema_and_key() -> None:
    steps = """steps:
  - {id: items, split: {in: lines, key: line.sku, as: line}}
  - {id: small, when: "line.n < `2`", filter: {reason: too-few}}
"""
    to = "to:\n  - {id: erp, use: lab, connection: outside, action: post, with: {reference: line.sku}}\n"
    made = await outcome(steps, to, lines=[{"sku": "a", "n": 1}, {"sku": "b", "n": 2}, {"sku": "c", "n": 3}])
    assert [(output.output_key, output.body) for output in made.outputs] == [
        ("b", {"reference": "b"}),
        ("c", {"reference": "c"}),
    ]
    assert made.filtered is None

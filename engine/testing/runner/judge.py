"""What was expected against what happened. Everything that differs is a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from engine.compile.plan import Plan, PlannedSink
from engine.config.models.tests import ExpectDoc, SinkExpectDoc
from engine.testing.expect import mismatches, show
from engine.testing.runner.chosen import TestCase
from engine.testing.runner.results import Item, attempts_of, filtered, items_of, sinks, work_facts
from engine.testing.runner.values import duration
from engine.testing.runner.world import Happened


def differences(case: TestCase, happened: Happened) -> list[str]:
    """Sentences about everything that is not as expected; empty when all is."""
    expect = case.doc.expect
    if expect is None:
        return []
    told = [text for name, wanted in expect.sinks.items() for text in _sink(case, happened, name, wanted)]
    told += _waiting(happened) if told else []
    if expect.work_items is not None:
        told += mismatches([work_facts(item) for item in happened.work], expect.work_items, "work_items")
    told += _misplaced(expect)
    told += [text for name, wanted in _facts(expect) for text in _fact(happened, name, wanted)]
    return told


def _waiting(happened: Happened) -> list[str]:
    """Why there may be less than was expected: groups that no time has closed yet."""
    return [
        f"{count} event{'s' if count > 1 else ''} wait{'' if count > 1 else 's'} in step `{step}`: advance the clock "
        "(`clock: {advance: ..}`)"
        for step, count in happened.waiting.items()
    ]


def _facts(expect: ExpectDoc) -> Iterator[tuple[str, Any]]:
    values = {
        "filtered": expect.filtered,
        "duplicates": expect.duplicates,
        "data": expect.data,
        "schema": expect.schema_,
        "reply": expect.reply,
    }
    yield from ((name, wanted) for name, wanted in values.items() if wanted is not None)


def _misplaced(expect: ExpectDoc) -> list[str]:
    names = [name for name in ("output", "error") if getattr(expect, name) is not None]
    advice = {"output": "use `data` or `sinks`", "error": "use `work_items`"}
    return [f"`{name}` is what a mapping gives; of a route {advice[name]}" for name in names]


def _fact(happened: Happened, name: str, wanted: Any) -> list[str]:
    if name == "filtered":
        return _filtered(filtered(happened), wanted)
    if name == "duplicates":
        whole = [figures["duplicates"] for figures in happened.figures if not figures["sink"]]
        return mismatches(sum(whole), wanted, "duplicates")
    if name == "reply":
        return _one_or_all(happened.replies, wanted, "reply")
    at_end = [(data, schema) for route, data, schema in happened.ended if route == next(iter(happened.plans))]
    return _one_or_all([data if name == "data" else schema for data, schema in at_end], wanted, name)


def _one_or_all(found: list[Any], wanted: Any, at: str) -> list[str]:
    """What is expected of one is meant for the only one there is."""
    if isinstance(wanted, list):
        return mismatches(found, wanted, at)
    if len(found) != 1:
        return [f"there are {len(found)} of `{at}`, expected one: {show(wanted)}"]
    return mismatches(found[0], wanted, at)


def _filtered(reasons: list[str], wanted: Any) -> list[str]:
    """A reason: of all, and there is one; a number; reasons as a list; or counts by reason."""
    if isinstance(wanted, str):
        return [] if reasons and set(reasons) == {wanted} else [f"filtered are {show(reasons)}, expected {wanted}"]
    if isinstance(wanted, dict) and not any(key.startswith("$") for key in wanted):
        return mismatches(dict(Counter(reasons)), wanted, "filtered")
    return mismatches(reasons if isinstance(wanted, list) else len(reasons), wanted, "filtered")


def _sink(case: TestCase, happened: Happened, name: str, wanted: SinkExpectDoc) -> list[str]:
    found = find_sink(case, happened, name)
    if found is None:
        return [f"there is no sink `{name}` in the routes that ran"]
    plan, sink = found
    items = items_of(happened, plan, sink)
    told = mismatches(len(items), wanted.count, f"the count of {name}") if wanted.count is not None else []
    if wanted.items is not None:
        told += mismatches([item.body for item in items], wanted.items, f"{name}.items")
    if wanted.requests is not None:
        told += mismatches([item.request for item in items], wanted.requests, f"{name}.requests")
    if wanted.order is not None:
        told += _order(items, wanted.order, name)
    if wanted.attempts is not None:
        told += mismatches(attempts_of(happened, plan, sink), wanted.attempts, f"the attempts of {name}")
    if wanted.within is not None:
        told += _within(items, duration(wanted.within), happened.start, name)
    return told


def find_sink(case: TestCase, happened: Happened, name: str) -> tuple[Plan, PlannedSink] | None:
    """The sink a test names: `route/sink`, or the id alone where one route is under test."""
    route, _, sink_id = name.rpartition("/")
    for plan, sink in sinks(happened):
        if sink.id == sink_id and plan.route == (route or case.subject.route):
            return plan, sink
    return None


def _order(items: list[Item], wanted: list[Any], name: str) -> list[str]:
    if len(items) != len(wanted):
        return [f"{name} has {len(items)} items, expected {len(wanted)} in order"]
    pairs = enumerate(zip(items, wanted, strict=True))
    return [text for i, (item, one) in pairs for text in mismatches(item.body, one, f"{name}.order[{i}]")]


def _within(items: list[Item], limit: float, start: int, name: str) -> list[str]:
    if not items:
        return [f"nothing came to {name}, expected it within {limit:g} s"]
    last = (max(item.at for item in items) - start) / 1_000_000
    return [] if last <= limit else [f"the last item of {name} came after {last:g} s, expected it within {limit:g} s"]

"""Invariants: what holds whatever a case does and whatever an overlay changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from engine.core.jsonx import encode, normal
from engine.core.numbers import is_number
from engine.testing.runner.results import Item, filtered, items_of, sinks
from engine.testing.runner.world import Happened

ENDED = frozenset({"routed", "filtered", "work-item", "retrying", "grouped", "held"})
BALANCED = "debit_equals_credit"
SEEDS = (1, 2, 3)  # orders a case is run in for `same_state_in_any_order`


def broken(name: str, happened: Happened) -> list[str]:
    """Sentences about where an invariant does not hold. `same_state_in_any_order` compares runs: see `state_of`."""
    return _CHECKS[name](happened)


def _applied_at_most_once(happened: Happened) -> list[str]:
    """No effect of an event was made twice, whichever sinks share it."""
    made: Counter[tuple[str, str]] = Counter()
    for plan, sink in sinks(happened):
        for item in items_of(happened, plan, sink):
            made[sink.effect if sink.call is not None else f"{plan.route}/{sink.id}", item.key.partition(":r")[0]] += 1
    return [
        f"the effect `{effect}` of {key} was made {count} times, at most once is allowed"
        for (effect, key), count in made.items()
        if count > 1
    ]


def _debit_equals_credit(happened: Happened) -> list[str]:
    """Every document with debit and credit lines is in balance; there is at least one."""
    told: list[str] = []
    entries = 0
    for name, item in _items(happened):
        differing, lists = unbalanced(item.body, item.key)
        told += [f"{name}: {text}" for text in differing]
        entries += lists
    return told if entries else ["no sink received anything with debit and credit: the promise says nothing here"]


def unbalanced(document: Any, called: str) -> tuple[list[str], int]:
    """Sentences about lists of lines in a document whose debit and credit differ, and how many such lists it has."""
    told, lists = [], list(_ledger_lines(document))
    for lines in lists:
        debit, credit = (sum((Decimal(line[side]) for line in lines), Decimal(0)) for side in ("debit", "credit"))
        if debit != credit:
            told.append(f"debit {debit} and credit {credit} of {called} differ")
    return told, len(lists)


def _ledger_lines(value: Any) -> Iterator[list[dict[str, Any]]]:
    """Every list of lines with amounts under `debit` and `credit`, at any depth."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _ledger_lines(inner)
    elif isinstance(value, list) and value:
        if all(isinstance(one, dict) and is_number(one.get("debit")) and is_number(one.get("credit")) for one in value):
            yield value
        else:
            for inner in value:
                yield from _ledger_lines(inner)


def _nothing_unaccounted(happened: Happened) -> list[str]:
    """The figures of every route and sink add up, and count what came in; events of other routes have an outcome."""
    told = [
        f"the figures of {one['route']}{'/' + one['sink'] if one['sink'] else ''} do not add up: {_shown(one)}"
        for one in happened.figures
        if not one["balanced"]
    ]
    for route, ids in _received(happened).items():
        told += _counted(happened, route, ids) if happened.plans[route].has_inbox else _ended(happened, route, ids)
    return told


def _received(happened: Happened) -> dict[str, set[str]]:
    """Ids of the events that came to each route, told without its inbox."""
    entrance = next(iter(happened.plans))
    received: dict[str, set[str]] = {route: set() for route in happened.plans}
    received[entrance] |= set(happened.ids)
    received[entrance] |= {e.event_id for e in happened.seen.entries if e.what == "received" and e.route == entrance}
    for event, _ in happened.seen.published.values():
        for route, plan in happened.plans.items():
            if plan.source.event and plan.source.event.partition("@")[0] == event.type.partition("@")[0]:
                received[route].add(event.id)
    return received


def _counted(happened: Happened, route: str, ids: set[str]) -> list[str]:
    counted = next((one["received"] for one in happened.figures if one["route"] == route and not one["sink"]), 0)
    return [] if counted == len(ids) else [f"{len(ids)} events came to {route}, its figures count {counted}"]


def _ended(happened: Happened, route: str, ids: set[str]) -> list[str]:
    known = {line.event_id for line in happened.seen.entries if line.route == route and line.what in ENDED}
    return [f"event {event} came to {route} and nothing is known of it" for event in sorted(ids - known)]


def _shown(figures: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in figures.items() if isinstance(value, int) and value)


def _items(happened: Happened) -> Iterator[tuple[str, Item]]:
    for plan, sink in sinks(happened):
        yield from ((f"{plan.route}/{sink.id}", item) for item in items_of(happened, plan, sink))


def state_of(happened: Happened) -> dict[str, list[bytes]]:
    """What is true afterwards, without the order in which it became so: items by sink, work items, filtered.

    Of a sink with `ordering: latest` the last item of each key counts: older ones come or do not come, as it happens.
    """
    state: dict[str, list[bytes]] = {}
    for plan, sink in sinks(happened):
        items = items_of(happened, plan, sink)
        if sink.ordered is not None and sink.ordered.mode == "latest":
            items = list({_order_key(happened, item): item for item in items}.values())
        state[f"{plan.route}/{sink.id}"] = [encode(unordered(item.request)) for item in items]
    state["work items"] = [f"{i.route}/{i.sink} {i.level} {i.reason} {i.subject}".encode() for i in happened.work]
    state["filtered"] = [reason.encode() for reason in filtered(happened)]
    return {name: sorted(values) for name, values in state.items()}


def _order_key(happened: Happened, item: Item) -> str:
    event = happened.seen.deliveries[item.key.partition(":r")[0]].event
    return event.order_key or event.subject


def unordered(value: Any) -> Any:
    """The value with its lists in one order: what is collected from several events lists them as they came."""
    if isinstance(value, dict):
        return normal({key: unordered(inner) for key, inner in value.items()})
    if isinstance(value, list):
        return sorted((unordered(inner) for inner in value), key=encode)
    return normal(value)


def other_state(before: Mapping[str, list[bytes]], after: Mapping[str, list[bytes]], seed: int) -> list[str]:
    """How two states differ."""
    told = []
    for name in before:
        gone = Counter(before[name]) - Counter(after[name])
        more = Counter(after[name]) - Counter(before[name])
        if gone or more:
            example = next(iter(more or gone)).decode()
            sign = f"{more.total()} more and {gone.total()} fewer"
            told.append(f"in another order (seed {seed}) {name} has {sign}, for one: {example[:300]}")
    return told


_CHECKS: dict[str, Callable[[Happened], list[str]]] = {
    "applied_at_most_once": _applied_at_most_once,
    BALANCED: _debit_equals_credit,
    "nothing_unaccounted": _nothing_unaccounted,
    "same_state_in_any_order": lambda happened: [],
}

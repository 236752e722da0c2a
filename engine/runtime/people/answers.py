"""Rows as the plain values people and programs are answered with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from msgspec.structs import asdict

from engine.compile.plan import EventType, Plan
from engine.core.clock import iso
from engine.core.jsonx import decode
from engine.ports.store.journal import Entry
from engine.ports.store.ledger import LedgerRow
from engine.ports.store.work import WorkItem
from engine.ports.store.workers import WorkerRow
from engine.ports.transport import Address
from engine.runtime.people.work import LAST_TRY, REPLAYED_BY

Answer = dict[str, Any]


def route_answer(plan: Plan) -> Answer:
    facts: Mapping[str, Any] = {"slo": plan.slo, "expect_traffic": plan.expect_traffic, "lifecycle": plan.lifecycle}
    named = {"route": plan.route, "version": plan.version, "plan": plan.digest, "owner": plan.owner}
    kept = {"criticality": plan.criticality, "plain": not plan.has_inbox}
    return {**named, **kept, **{name: dict(value) for name, value in facts.items() if value}}


def worker_answer(row: WorkerRow) -> Answer:
    facts = decode(row.facts.encode())
    told = {name: facts.get(name, "") for name in ("host", "pid", "state", "revision")}
    times = {"since": iso(row.since), "seen": iso(row.at)}
    return {"worker": row.name, **told, **times, "sources": facts.get("sources", []), "problems": facts["problems"]}


def in_hand(row: WorkerRow) -> Counter[str]:
    """How many messages of each queue that process had in hand when it said so."""
    return Counter(decode(row.facts.encode()).get("in_hand", {}))


def queue_name(address: Address) -> str:
    """As people read it."""
    return f"{address.kind}/{address.name}" if address.name else address.kind


def item_answer(item: WorkItem) -> Answer:
    names = (
        "id", "level", "route", "sink", "reason", "state", "owner", "detail", "event_id", "event_type", "amount",
        "currency", "attempts", "edits", "root", "revision",
    )  # fmt: skip
    facts = {name: getattr(item, name) for name in names}
    tries = {"last_try": decode(item.data).get(LAST_TRY, ""), "failed_again": failed_again(item)}
    times = {"created": iso(item.created), "updated": iso(item.updated)}
    return {**facts, "search": decode(item.search), **times, **tries}


def failed_again(item: WorkItem) -> bool:
    """Open, and the last thing a person did about it was a replay."""
    return item.state == "open" and item.note.startswith(REPLAYED_BY)


def named_keys(search: Mapping[str, str], type_: EventType | None) -> dict[str, str]:
    """Search values with the parts of the key (`key.1`) under the names the type searches by, or its paths."""
    if type_ is None or type_.key is None:
        return dict(search)
    names = {expr.text: name for name, expr in type_.search.items()}
    parts = [names.get(part.text, part.text) for part in type_.key.parts]
    if len(parts) == 1 and "key" in search:
        return {parts[0]: search["key"], **{name: value for name, value in search.items() if name != "key"}}
    numbered = {f"key.{number}": part for number, part in enumerate(parts, 1)}
    return {numbered.get(name, name): value for name, value in search.items()}


def line_answer(entry: Entry) -> Answer:
    return {**asdict(entry), "at": iso(entry.at), "keys": dict(entry.keys)}


def effect_answer(row: LedgerRow) -> Answer:
    names = ("route", "sink", "effect", "event_id", "state", "attempt", "revision", "reason")
    return {"delivery": row.key.id, **{name: getattr(row, name) for name in names}, "at": iso(row.at)}

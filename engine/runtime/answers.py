"""Rows as the plain values people and programs are answered with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from engine.compile.plan import Plan
from engine.core.clock import iso
from engine.core.jsonx import decode
from engine.ports.store.journal import Entry
from engine.ports.store.ledger import LedgerRow
from engine.ports.store.work import WorkItem

Answer = dict[str, Any]


def route_answer(plan: Plan) -> Answer:
    facts: Mapping[str, Any] = {"slo": plan.slo, "expect_traffic": plan.expect_traffic, "lifecycle": plan.lifecycle}
    named = {"route": plan.route, "version": plan.version, "plan": plan.digest, "owner": plan.owner}
    return {**named, "criticality": plan.criticality, **{name: dict(value) for name, value in facts.items() if value}}


def item_answer(item: WorkItem) -> Answer:
    names = (
        "id", "level", "route", "sink", "reason", "state", "owner", "detail", "event_id", "event_type", "amount",
        "currency", "attempts", "edits", "root", "revision",
    )  # fmt: skip
    facts = {name: getattr(item, name) for name in names}
    return {**facts, "search": decode(item.search), "created": iso(item.created), "updated": iso(item.updated)}


def line_answer(entry: Entry) -> Answer:
    return {**asdict(entry), "at": iso(entry.at), "keys": dict(entry.keys)}


def effect_answer(row: LedgerRow) -> Answer:
    names = ("route", "sink", "effect", "event_id", "state", "attempt", "revision", "reason")
    return {"delivery": row.key.id, **{name: getattr(row, name) for name in names}, "at": iso(row.at)}

"""Chains of fiscal records: each quotes the one before. Pure: (state, link) -> state.

A chain is watched from the first record that is seen and grows at both ends, because an asynchronous route may see
record 8 before record 7. What cannot be joined yet waits; what quotes a record that has a successor is a fork.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from engine.sdk import Rejected, Transient

REMEMBERED = 100

State = Mapping[str, Any]
Begin = Literal["anywhere", "first"]
Missing = Literal["wait", "refuse"]


class Link(NamedTuple):
    """One record's place in its chain.

    own       what the next record has to quote
    previous  what this one quotes
    first     it says of itself that it begins the chain
    """

    own: str
    previous: str
    first: bool = False


@dataclass(frozen=True)
class Rules:
    """How strict a chain is watched.

    begin     `anywhere`: the first record that is seen is believed. `first`: the chain has to begin with its first
    missing   `wait`: a record whose predecessor has not come is tried again later. `refuse`: it is refused at once
    """

    begin: Begin = "anywhere"
    missing: Missing = "wait"


def joined(state: State | None, link: Link, rules: Rules, **facts: Any) -> dict[str, Any]:
    """The state after this record. `facts` are kept while this record is the newest.

    Raises Rejected `fiscal-chain-forked`, `fiscal-record-repeated`, `fiscal-chain-broken`; Transient `fiscal-chain-gap`.
    """
    if not state:
        if rules.begin == "first" and not link.first:
            raise _gap(link, rules, "the chain has not begun, and this is not its first record")
        return _state(link.own, "" if link.first else link.previous, [_short(link.own)], facts)
    seen = list(state["seen"])
    if _short(link.own) in seen:
        raise Rejected("fiscal-record-repeated", "another event brought this fiscal record already")
    if link.first:
        if not state["tail"]:
            raise Rejected("fiscal-chain-forked", "the record says it is the first of a chain that has one")
    elif link.previous == state["head"]:
        return _state(link.own, state["tail"], [*seen, _short(link.own)], facts)
    if link.own == state["tail"]:
        kept = {name: value for name, value in state.items() if name not in ("head", "tail", "seen")}
        return _state(state["head"], "" if link.first else link.previous, [_short(link.own), *seen], kept)
    if not link.first and _short(link.previous) in seen:
        raise Rejected("fiscal-chain-forked", "the record quotes one that has a successor already")
    raise _gap(link, rules, "the record quotes one that has not come")


def _state(head: str, tail: str, seen: list[str], facts: Mapping[str, Any]) -> dict[str, Any]:
    return {**facts, "head": head, "tail": tail, "seen": seen[-REMEMBERED:]}


def _short(value: str) -> str:
    """Enough of a link value to know it again."""
    return hashlib.sha256(value.encode()).hexdigest()[:16]


def _gap(link: Link, rules: Rules, why: str) -> Rejected | Transient:
    data = {"previous": link.previous}
    if rules.missing == "refuse":
        return Rejected("fiscal-chain-broken", why, data=data)
    return Transient("fiscal-chain-gap", f"{why}; it may still be on its way", data=data)

"""What may hurt about a change, under names that can be accepted: by whoever applies it, or by the file that brings it.

effect-changed        a delivery that was made once could be made again under the new name
key-changed           the same event gets another id: what was taken in before is new again
guard-changed         what counts as the same document is judged otherwise
guarantee-loosened    a repeat, or a crash, is kept less well from doubling or losing an effect
route-removed         what waits for it is finished, what comes after is not taken in
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from engine.compile.plan import EventType, Plan, PlannedSink, RouteSet
from engine.plugins.fields import KeyExpr

NAMES = ("effect-changed", "key-changed", "guard-changed", "guarantee-loosened", "route-removed")
_ACCEPTS = "accepts "
_STRENGTH = {
    "same_transaction": 0,
    "idempotency_key": 0,
    "upsert": 0,
    "verify": 1,
    "at_least_once": 2,
    "at_most_once": 3,
}


@dataclass(frozen=True)
class Risk:
    """One. `refused`: it is not applied unless it is accepted by name. `because`: why the file says that it is meant."""

    name: str
    route: str
    text: str
    refused: bool = False
    because: str = ""


def meant(risks: Iterable[Risk], accept: Collection[str]) -> list[Risk]:
    """Those that are accepted: by name, or in the file."""
    return [risk for risk in risks if risk.because or (risk.refused and risk.name in accept)]


def accepted_text(risks: Iterable[Risk]) -> str:
    """What an audit row says of risks that were accepted; empty for none."""
    told = dict.fromkeys(f"{risk.name} of {risk.route}" for risk in risks)
    return f"{_ACCEPTS}{', '.join(told)}" if told else ""


def accepted_in(text: str) -> list[tuple[str, str]]:
    """The same read again: (name, route)."""
    told = text.removeprefix(_ACCEPTS).split(", ") if text.startswith(_ACCEPTS) else []
    return [(name, route) for name, _, route in (one.partition(" of ") for one in told)]


def removed(plan: Plan) -> Risk:
    """A route that goes."""
    return Risk("route-removed", plan.route, f"{plan.route} is removed; what waits for it is finished first")


def risks_of(before: RouteSet, after: RouteSet, old: Plan, new: Plan) -> tuple[Risk, ...]:
    """What may hurt when one Plan takes the place of the other."""
    financial = "financial" in (old.criticality, new.criticality)
    found = [*_effects(old, new), *_identity(before, after, old, new)]
    risks = [_judged(Risk(name, new.route, f"{new.route}: {text}", financial), old, new) for name, text in found]
    return (*risks, *(Risk("guarantee-loosened", new.route, f"{new.route}: {t}") for t in _guarantees(old, new)))


def _judged(risk: Risk, old: Plan, new: Plan) -> Risk:
    """What the file accepts holds once: said before this change, it was said of another one."""
    because = new.accepted.get(risk.name, "")
    if not risk.refused or not because:
        return risk
    if old.accepted.get(risk.name) == because:
        return replace(risk, text=f"{risk.text}; that it is accepted in the file was said of an earlier change")
    return replace(risk, text=f"{risk.text}; accepted in the file: {because}", refused=False, because=because)


def _effects(old: Plan, new: Plan) -> Iterator[tuple[str, str]]:
    for sink in new.sinks:
        former = _former(old, new, sink)
        if former is not None and former.effect != sink.effect:
            yield (
                "effect-changed",
                f"the effect of {sink.id} is {sink.effect} and was {former.effect}; what was applied under the former "
                f"name could be applied again (keep it with `effect: {former.effect}`)",
            )


def _former(old: Plan, new: Plan, sink: PlannedSink) -> PlannedSink | None:
    """What a sink was before: by its name, or, renamed, the one that is gone and did the same."""
    same = old.sink(sink.id)
    if same is not None or any(one.effect == sink.effect for one in old.sinks):
        return same
    gone = [one for one in old.sinks if new.sink(one.id) is None and one.does == sink.does]
    return gone[0] if len(gone) == 1 else None


def _identity(before: RouteSet, after: RouteSet, old: Plan, new: Plan) -> Iterator[tuple[str, str]]:
    """The type it takes in; the version of the type is no part of an id."""
    was, now = _type(old), _type(new)
    if was is None or now is None or was.name != now.name:
        return
    if _text(was.key) != _text(now.key):
        yield "key-changed", f"the key of {now.name} is {_text(now.key)} and was {_text(was.key)}"
    if _text(was.guard) != _text(now.guard):
        yield "guard-changed", f"the guard of {now.name} is {_text(now.guard)} and was {_text(was.guard)}"


def _type(plan: Plan) -> EventType | None:
    return plan.source.accepts


def _text(key: KeyExpr | None) -> str:
    return ", ".join(part.text for part in key.parts) if key is not None else "nothing"


def _guarantees(old: Plan, new: Plan) -> Iterator[str]:
    if old.has_inbox and not new.has_inbox:
        yield "outcomes are not written down before they are published any more"
    for sink in new.sinks:
        former = _former(old, new, sink)
        if former is None:
            continue
        if _STRENGTH[sink.guarantee] > _STRENGTH[former.guarantee]:
            yield f"{sink.id} is {sink.guarantee} and was {former.guarantee}"
        if former.ordered is not None and sink.ordered is None:
            yield f"{sink.id} does not keep the order any more"

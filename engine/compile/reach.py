"""What the steps of a slot reach and change, against what the slot allows and yields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.compile.report import Place
from engine.compile.scope import Scope
from engine.expr.shape import Shape
from engine.plugins.build import BoundCall
from engine.plugins.contracts import Step

_MOVE_OUT = "move it behind the `try`, or leave `unavailable` out: the engine tries again and settles what became of it"


def check_reach(place: Place, type_: str, step: Step, scope: Scope) -> None:
    """A finding when a step reaches more than its slot allows. `scope.uses` is what this step uses, and no other."""
    if isinstance(scope.allowed, frozenset) and (further := _reached(step, scope) - scope.allowed):
        allowed = ", ".join(sorted(scope.allowed))
        text = f"`{type_}` reaches further than its slot allows: {_told(further)}; allowed: {allowed}"
        place.finding("TF6015", text, key=True, help="use a step that needs less, or ask the owner of the route")


def _reached(step: Step, scope: Scope) -> set[str]:
    reached: set[str] = set(step.reaches)
    if scope.uses.tables:
        reached.add("reads")
    if scope.uses.connections or scope.uses.taps:
        reached.add("calls")
    return reached


def check_keeps_nothing(place: Place, type_: str, step: Step, scope: Scope) -> None:
    """A finding when a step keeps something durable where what does not answer is caught."""
    if scope.reading and "state" in step.reaches:
        text = f"`{type_}` keeps something between events, and this `try` catches what does not answer"
        place.finding("TF4026", text, key=True, help=_MOVE_OUT)


def check_reads(place: Place, bound: BoundCall, scope: Scope) -> None:
    """A finding when a call changes something there: what does not answer may have had its effect."""
    if scope.reading and bound.guarantee is not None:
        text = f"`{bound.action}` changes something; without an answer nobody knows whether it did"
        place.finding("TF4026", text, help=_MOVE_OUT)


def _told(further: Iterable[str]) -> str:
    words = {"reads": "tables", "calls": "other systems", "state": "what is kept between events"}
    return ", ".join(words[one] for one in sorted(further))


def check_yielded(place: Place, slot: str, yields: str, before: Shape, after: Shape) -> None:
    """A finding when the steps of a slot change something outside of the path it yields."""
    strayed = _strayed(before, after, yields.split(".") if yields else [])
    if strayed is None:
        return
    what = f"`{'.'.join(strayed)}`" if strayed else "the whole document"
    where = f"under `{yields}`" if yields else "nothing: it has no `yields`"
    text = f"what fills the slot `{slot}` changes {what}; it may change {where}"
    place.finding("TF6016", text, key=True, help="put what the region adds there, under a name of its own")


def _strayed(before: Shape, after: Shape, path: Sequence[str]) -> list[str] | None:
    """The first path outside of `path` that something was put to, or taken from; None when there is none.

    What no step touched is the same object: a value put in the place of one of the same kind is seen too.
    """
    if after is before:
        return None
    if not before.known:
        return None
    if not after.known or after.schema != before.schema:
        return []
    for name in dict.fromkeys((*before.fields, *after.fields)):
        old, new = before.fields.get(name), after.fields.get(name)
        if path and name == path[0]:
            if len(path) > 1 and old is not None and new is not None:
                inner = _strayed(old, new, path[1:])
                if inner is not None:
                    return [name, *inner]
            continue
        if old is not new:
            return [name]
    return None if after.kinds == before.kinds else []

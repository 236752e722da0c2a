"""Who an event is: what its type declares of key, guard, business date, order, amount and search, computed once.

Used where an event is born: at ingress, and where an `event:` sink publishes one. Never recomputed afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from engine.compile.plan import EventType
from engine.core.clock import Clock
from engine.core.errors import Failure, KeyIncomplete, Permanent
from engine.core.event import Event
from engine.core.ids import digest, event_id, key_text
from engine.core.masking import HIDDEN
from engine.core.numbers import is_number, plain
from engine.core.quoting import short
from engine.core.visible import control_in
from engine.expr.jmes import Expr
from engine.plugins.fields import KeyExpr
from engine.plugins.values import key_parts
from engine.runtime.router.env import EventEnv

CONTROL = "control-character"  # reason of a record with one in a key


@dataclass(frozen=True, slots=True)
class Born:
    """An event with its identity, and the business keys it is found by in the journal."""

    event: Event
    keys: Mapping[str, str]


def identified(event: Event, type_: EventType, clock: Clock) -> Born:
    """The event with everything its type declares. `event.id` stays where the type has no key.

    Raises KeyIncomplete where a part of key or guard is null or empty text, Permanent for a key with control characters
    and for a business date or amount that is none.
    """
    env = EventEnv(event, clock)
    data = event.data
    own, subject = event.id, event.subject
    if type_.key is not None:
        parts = _filled(type_.key, data, env)
        for expr, part in zip(type_.key.parts, parts, strict=True):
            _require_readable(expr, part)
        own, subject = event_id(type_.name, parts), key_text(parts)
    guard = digest("guard", *_filled(type_.guard, data, env)) if type_.guard is not None else ""
    day = _day(type_, data, env) if type_.business_date is not None else event.day
    amount, currency = _amount(type_, data, env)
    born = replace(event, id=own, subject=subject, guard=guard, day=day, amount=amount, currency=currency)
    return Born(born, _keys(type_, data, env))


def _filled(key: KeyExpr, data: Any, env: EventEnv) -> list[Any]:
    """Parts of an identity. An empty cell says as little as a missing one: all that have none would be one event."""
    parts = key_parts(key, data, env)
    for expr, part in zip(key.parts, parts, strict=True):
        if isinstance(part, str) and not part.strip():
            raise KeyIncomplete(f"`{short(expr.text)}` gives empty text", data={"part": expr.text})
    return parts


def _require_readable(expr: Expr, value: Any) -> None:
    """Raises Permanent for text that nobody can read or type: it is a fault of what sends it, and would be found by
    nobody.
    """
    if isinstance(value, str) and (char := control_in(value)):
        why = f"`{short(expr.text)}` gives text with the control character {char!a}; a key is text that people can type"
        raise Permanent(CONTROL, why, data={"part": expr.text})


def search_keys(types: Iterable[EventType], event: Event, clock: Clock) -> dict[str, str]:
    """What a record is found by that is no event of these types (yet): their search keys, where they can be read."""
    return _readable(((type_, type_.search) for type_ in types), event, clock)


def refused_keys(types: Iterable[EventType], event: Event, clock: Clock) -> dict[str, str]:
    """What a refused record is found by: search keys and parts of the natural key, where they can be read.
    `event.data` is the record as far as it is known.
    """
    return _readable(((type_, {**_parts(type_), **type_.search}) for type_ in types), event, clock)


def _parts(type_: EventType) -> dict[str, Expr]:
    """Parts of the natural key that no search key stands for."""
    searched = {expr.text for expr in type_.search.values()}
    parts = type_.key.parts if type_.key is not None else ()
    return {part.text: part for part in parts if part.text not in searched}


def _readable(named: Iterable[tuple[EventType, Mapping[str, Expr]]], event: Event, clock: Clock) -> dict[str, str]:
    """Each key for itself, whatever is wrong with the others: who validates the record says that."""
    env = EventEnv(event, clock)
    keys: dict[str, str] = {}
    for type_, exprs in named:
        for name, expr in exprs.items():
            with suppress(Failure):
                if (text := _key(type_, expr, event.data, env)) is not None:
                    keys[name] = text
    return keys


def _day(type_: EventType, data: Any, env: EventEnv) -> str:
    assert type_.business_date is not None
    value = type_.business_date(data, env)
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        text = f"`{type_.business_date.text}` gives {value!r}, which is not a date YYYY-MM-DD"
        raise Permanent("bad-business-date", text) from None


def _amount(type_: EventType, data: Any, env: EventEnv) -> tuple[str, str]:
    if type_.amount is None:
        return "", ""
    value = type_.amount(data, env)
    if value is None:
        return "", ""
    if not is_number(value):
        raise Permanent("bad-amount", f"`{type_.amount.text}` gives {type(value).__name__}; an amount is a number")
    currency = type_.currency(data, env) if type_.currency is not None else ""
    return plain(value), str(currency or "")


def _keys(type_: EventType, data: Any, env: EventEnv) -> dict[str, str]:
    """Declared business keys that are there."""
    return {name: text for name, expr in type_.search.items() if (text := _key(type_, expr, data, env)) is not None}


def _key(type_: EventType, expr: Expr, data: Any, env: EventEnv) -> str | None:
    """A business key as text, None where there is none; a private one is never written where people read. Raises
    Permanent `control-character`.
    """
    value = expr(data, env)
    if not isinstance(value, str) and not is_number(value):
        return None
    _require_readable(expr, value)
    if expr.text in type_.private:
        return HIDDEN
    return value if isinstance(value, str) else plain(value)

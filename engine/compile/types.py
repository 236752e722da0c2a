"""Event types: schemas that say with `x-tillflow` what makes two events the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from engine.compile.catalog import Catalog
from engine.compile.expressions import Checker, Where
from engine.compile.pieces import Pieces
from engine.compile.plan import EventType
from engine.compile.report import Place
from engine.compile.scope import Scope
from engine.config.models.schema import IdentityDoc, SchemaHead
from engine.core.event import split_type
from engine.expr.jmes import Expr
from engine.expr.shape import UNKNOWN, Shape, infer
from engine.expr.shape.judge import named
from engine.plugins.fields import KeyExpr

_TIMED = ("date-time", "time")  # forms of text that hold more or less than a day


def plan_types(catalog: Catalog, before: Pieces[EventType]) -> dict[str, EventType]:
    """Every schema with an identity, by `name@n`. Those that stayed as they were are taken from `before`."""
    planned: dict[str, EventType] = {}
    for name, loaded in catalog.project.schemas.items():
        place = Place(catalog.report, loaded.document)
        _check_version(place, name, loaded.model)
        if loaded.model.identity is not None:
            planner = _TypePlanner(catalog, place.at("x-tillflow"), name)
            plan = partial(planner.plan, loaded.model, loaded.model.identity)
            planned[name] = before.piece(catalog, name, (loaded,), plan)
    return planned


def _check_version(place: Place, name: str, head: SchemaHead) -> None:
    version = split_type(name)[1]
    oldest = head.compatible_with
    if oldest is not None and oldest >= version:
        advice = "name an older version, or leave it out" if version > 1 else "leave it out: there is no older version"
        place.at("compatible_with").finding(
            "TF3516", f"version {version} cannot be compatible with {oldest}", help=advice
        )


class _TypePlanner:
    def __init__(self, catalog: Catalog, place: Place, name: str) -> None:
        self._catalog = catalog
        self._place = place
        self._name = name
        self._shape: Shape = UNKNOWN
        self._checker = Checker(Scope(catalog))

    def plan(self, head: SchemaHead, identity: IdentityDoc) -> EventType:
        name, version = split_type(self._name)
        self._shape = self._catalog.schemas.shape(self._name)
        search = {
            key: expr
            for key, text in identity.search.items()
            if (expr := self._expression(text, "optional", "search", key)) is not None
        }
        for index, text in enumerate(identity.private):
            self._expression(text, "optional", "private", index)
        return EventType(
            name=name,
            version=version,
            validator=self._catalog.schemas.validator(self._name),
            key=self._key(identity.key, "key"),
            guard=self._key(identity.guard, "guard"),
            order_by=self._key(identity.order_by, "order_by"),
            sequence=self._number(identity.sequence, "key", "sequence"),
            business_date=self._day(identity.business_date),
            search=search,
            private=tuple(identity.private),
            amount=self._number(identity.amount, "value", "amount"),
            currency=self._expression(identity.currency, "value", "currency"),
            compatible_with=head.compatible_with or 0,
        )

    def _key(self, raw: Any, *path: str) -> KeyExpr | None:
        if raw is None:
            return None
        place = self._place.at(*path)
        parts = [self._at(at, text, "key") for at, text in _parts(place, raw)]
        return KeyExpr(tuple(part for part in parts if part is not None))

    def _expression(self, raw: Any, where: Where, *path: str | int) -> Expr | None:
        return None if raw is None else self._at(self._place.at(*path), raw, where)

    def _number(self, raw: Any, where: Where, *path: str) -> Expr | None:
        expr = self._expression(raw, where, *path)
        if expr is not None:
            self._judge(self._place.at(*path), expr, "number", {"number"}, "number")
        return expr

    def _day(self, raw: Any) -> Expr | None:
        expr = self._expression(raw, "key", "business_date")
        if expr is not None:
            self._judge(self._place.at("business_date"), expr, "day YYYY-MM-DD", {"text", "date"}, "date")
        return expr

    def _judge(self, place: Place, expr: Expr, what: str, kinds: set[str], function: str) -> None:
        """A finding for what is known to give something else in every event; `function` makes the right kind of text."""
        shape = infer(expr, self._shape, self._checker.known)
        timed = function == "date" and (shape.looks in _TIMED or "moment" in shape.kinds)
        if not shape.known or (shape.can_be(*kinds) and not timed):
            return
        readable = timed or shape.kinds <= {"text"}
        better = f"{function}({expr.text})" if readable and shape.looks != "time" else ""
        given = f"a text of the form {shape.looks}" if shape.looks in _TIMED else named(shape.kinds)
        text = f"`{expr.text}` gives {given}, and `{place.path[-1]}` has to be a {what}"
        advice = f"write `{better}`" if better else f"name a {what}"
        place.finding("TF3525", text, help=advice, suggestion=better)

    def _at(self, place: Place, text: Any, where: Where) -> Expr | None:
        expr = self._catalog.texts.expression(place, text)
        if expr is not None:
            self._checker.expression(place, expr, self._shape, where)
        return expr


def _parts(place: Place, raw: Any) -> Iterator[tuple[Place, Any]]:
    if isinstance(raw, list):
        yield from ((place.at(index), part) for index, part in enumerate(raw))
    else:
        yield place, raw


def known_type(catalog: Catalog, place: Place, name: str, types: Mapping[str, EventType]) -> EventType | None:
    """The event type named at a place; None after a finding."""
    catalog.used.add(("schema", name))
    type_ = types.get(name)
    if type_ is not None:
        return type_
    if catalog.project.exists("schema", name):
        if name in catalog.project.schemas:
            advice = f"add `x-tillflow: {{key: [..]}}` to mappings/schemas/{name}.yaml"
            place.finding("TF3515", f"{name} has a schema and no key: its events could not be told apart", help=advice)
        return None
    place.unknown("TF3007", "event type", name, types, why=f"mappings/schemas/{name}.yaml is missing")
    return None

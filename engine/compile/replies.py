"""What a synchronous source answers: `reply: {status, body}`, made from the data at the end of the route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.compile.build import Builder
from engine.compile.expressions import Checker
from engine.compile.flow import Flow
from engine.compile.mapping.check import MappingCheck
from engine.compile.mapping.mapper import CompiledMapping
from engine.compile.mapping.read import MappingReader
from engine.compile.maps import mapping_at
from engine.compile.report import Place
from engine.compile.scope import Scope
from engine.compile.texts import report
from engine.expr.errors import ExpressionError
from engine.expr.shape import UNKNOWN
from engine.plugins.build import BoundCall, DocumentMapper
from engine.plugins.fields import ValueExpr, read_value

KEYS = ("status", "body", "map")


def plan_reply(scope: Scope, place: Place, raw: Any, flow: Flow) -> BoundCall | None:
    """The reply; None when nothing is written or after findings."""
    if raw is None:
        return None
    if not isinstance(raw, Mapping) or not raw:
        place.finding("TF1103", "`reply` is a block of keys", key=True, help="reply: {body: {sku: sku}}")
        return None
    for key in raw:
        if key not in KEYS:
            place.at(key).unknown("TF1101", "key of `reply` called", str(key), KEYS, key=True)
    return BoundCall("", "", "reply", None, _status(scope, place, raw, flow), _body(scope, place, raw, flow), "body")


def _status(scope: Scope, place: Place, raw: Mapping[str, Any], flow: Flow) -> dict[str, ValueExpr]:
    status = raw.get("status")
    if status is None:
        return {}
    if isinstance(status, int):
        return {"status": ValueExpr(const=status)}
    at = place.at("status")
    try:
        value = read_value(status, Builder(scope, at, "reply", flow))
    except ExpressionError as error:
        report(at, error)
        return {}
    Checker(scope).value(at, value, flow.shape)
    return {"status": value}


def _body(scope: Scope, place: Place, raw: Mapping[str, Any], flow: Flow) -> DocumentMapper | None:
    if raw.get("map") is not None:
        return mapping_at(scope, place.at("map"), str(raw["map"]), flow)
    if "body" not in raw:
        return None
    node = MappingReader(scope.catalog.texts).value(place.at("body"), raw["body"])
    if node is None:
        return None
    MappingCheck(Checker(scope), scope.known, "the reply").node(node, flow.shape, UNKNOWN)
    return CompiledMapping(f"{scope.route}/reply", "", node)

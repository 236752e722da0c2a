"""`use/connection/action/with/map`: one shape for reaching a system, resolved to an action of a connector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.compile.expressions import Checker
from engine.compile.flow import Flow
from engine.compile.maps import mapping_at
from engine.compile.report import Place
from engine.compile.scope import Scope
from engine.compile.texts import report
from engine.config.nearest import nearest
from engine.expr import nodes
from engine.expr.env import Env
from engine.expr.errors import ExpressionError
from engine.expr.shape import UNKNOWN
from engine.plugins.build import BoundCall, Build, DocumentMapper
from engine.plugins.contracts import Action
from engine.plugins.fields import ValueExpr, read_value
from engine.plugins.spec import ComponentKind

INSTALLED_SINCE = "an engine that runs must be restarted after a connector was installed"
_OFFERS: Mapping[ComponentKind, str] = {"sink": "be a sink", "call": "be called", "source": "be a source"}


class WholeDocument:
    """Stands where a sink maps nothing: the document as it is."""

    name = ""
    output = ""
    made = UNKNOWN

    def apply(self, data: Any, env: Env) -> Any:
        return data


def component(scope: Scope, place: Place, kind: ComponentKind, use: str, connection: str) -> Any:
    """The ComponentSpec of `use`, with `connection` checked against it; None after a finding."""
    catalog = scope.catalog
    fits = _connection_fits(scope, place.at("connection"), use, connection) if connection else True
    spec = catalog.registry.of(kind).get(use)
    if spec is not None:
        return spec if fits else None
    at = place.at("use")
    if catalog.refused(at, kind, use):
        return None
    if use in catalog.registry.connectors:
        others = ", ".join(sorted(catalog.registry.of(kind)))
        at.finding("TF3018", f"{use} cannot {_OFFERS[kind]}", help=f"those that can: {others}")
        return None
    at.unknown("TF3012", "connector", use, catalog.registry.of(kind), more=INSTALLED_SINCE)
    return None


def _connection_fits(scope: Scope, place: Place, use: str, name: str) -> bool:
    catalog = scope.catalog
    if not catalog.known(place, "connection", name):
        return False
    scope.uses.connections.add(name)
    planned = catalog.connections.get(name)
    loaded = catalog.project.connections
    doc = loaded.model.connections.get(name) if loaded is not None else None
    if doc is not None and doc.connector != use and doc.connector in catalog.registry.connectors:
        if use in catalog.registry.connectors:
            same = [n for n, d in loaded.model.connections.items() if d.connector == use] if loaded else []
            advice = f"connections of {use}: {', '.join(same)}" if same else f"{use} has no connection in this project"
            text = f"`{name}` is a connection of {doc.connector}, not of {use}"
            place.finding("TF3017", text, help=advice, suggestion=same[0] if len(same) == 1 else "")
        return False
    if planned is None:
        scope.uses.unusable = True
    return True


def bind_call(
    scope: Scope, place: Place, kind: ComponentKind, body: Mapping[str, Any], flow: Flow, build: Build
) -> tuple[BoundCall, Action | None]:
    """A reference resolved. With findings, the answer is a stand-in that is never run."""
    use, connection = str(body.get("use", "")), str(body.get("connection", ""))
    spec = component(scope, place, kind, use, connection)
    mapper = mapping_at(scope, place.at("map"), str(body["map"]), flow) if body.get("map") else None
    action = _action(place, spec, str(body.get("action", ""))) if spec is not None else None
    asks = kind == "call" and action is not None and action.guarantee is None and not body.get("cached")
    values = _values(scope, place.at("with"), body.get("with") or {}, action, flow, build, secrets=asks)
    if spec is not None:
        scope.uses.digests[f"{kind} {use}"] = scope.catalog.registry.version(kind, use)
    if action is None:
        return BoundCall(use, connection, str(body.get("action", "")), None, values, mapper, ""), None
    if mapper is None and kind == "sink" and action.body and action.body not in values:
        mapper = WholeDocument()
    _complete(place, body, action, values, mapper)
    return BoundCall(use, connection, str(body["action"]), action.guarantee, values, mapper, action.body), action


def _action(place: Place, spec: Any, name: str) -> Action | None:
    actions: Mapping[str, Action] = spec.target.actions
    action = actions.get(name)
    if action is None:
        place.at("action").unknown("TF3010", f"action of {spec.name} called", name, actions)
    return action


def _values(
    scope: Scope,
    place: Place,
    raw: Mapping[str, Any],
    action: Action | None,
    flow: Flow,
    build: Build,
    *,
    secrets: bool,
) -> dict[str, ValueExpr]:
    values: dict[str, ValueExpr] = {}
    checker = Checker(scope)
    known = fields_of(action) if action is not None else None
    for name, text in raw.items():
        at = place.at(name)
        if known is not None and name not in known:
            at.unknown("TF4016", "field of this action called", name, known, key=True)
        try:
            values[name] = read_value(text, build)
        except ExpressionError as error:
            report(at, error)
            continue
        if not _fixed_text(at, values[name], flow):
            checker.value(at, values[name], flow.shape, secrets=secrets)
    return values


def _fixed_text(place: Place, value: ValueExpr, flow: Flow) -> bool:
    """True, with a finding, for a lone name like no field here: most likely the text itself was meant."""
    tree = value.expr.tree if value.expr is not None else None
    if not isinstance(tree, nodes.Field) or flow.shape.has(tree.name) or nearest(tree.name, flow.shape.fields):
        return False
    if isinstance(place.document.at(place.path), dict):
        return False
    where = f" in {flow.shape.schema}" if flow.shape.schema else ""
    advice = f"write {{const: {tree.name}}} for the text itself; there are: {', '.join([*flow.shape.fields][:8])}"
    place.finding("TF2020", f"there is no `{tree.name}`{where} here", help=advice)
    return True


def _complete(
    place: Place,
    body: Mapping[str, Any],
    action: Action,
    values: Mapping[str, ValueExpr],
    mapper: DocumentMapper | None,
) -> None:
    """Every required field of the action is given by `with` or by the mapping."""
    if mapper is not None and not action.body:
        return
    given = {*values, *(body.get("with") or {})} | ({action.body} if mapper is not None else set())
    for name, required in fields_of(action).items():
        if required and name not in given:
            at = place.at("with") if "with" in body else place.at("action")
            at.finding(
                "TF4015",
                f"`{name}` is missing: the action needs it",
                key="with" in body,
                help=f"add `{name}:` to `with`",
            )


def fields_of(action: Action) -> dict[str, bool]:
    """Names of an action's fields as they are written in YAML, and whether each is required."""
    return {info.alias or name: info.is_required() for name, info in action.config.model_fields.items()}

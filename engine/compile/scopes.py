"""How an event finds its scope: the expressions of routes/scopes.yaml and of routes that replace one."""

from __future__ import annotations

from engine.compile.catalog import Catalog
from engine.compile.expressions import Checker
from engine.compile.report import Place
from engine.compile.scope import Scope
from engine.compile.texts import report
from engine.config.models.scopes import ScopeLayers
from engine.expr.errors import ExpressionError
from engine.expr.jmes import Expr
from engine.expr.shape import Shape, check_expression


def check_scopes(catalog: Catalog) -> None:
    """Findings of every layer. A scope is found for any canonical type, so a path has to exist in at least one."""
    if catalog.project.scopes is not None:
        loaded = catalog.project.scopes
        shapes = [catalog.schemas.shape(name) for name in catalog.types]
        _check(catalog, Place(catalog.report, loaded.document, ("scopes",)), loaded.model.scopes, shapes)
    for route in catalog.project.routes.values():
        layers, event = route.model.scopes, route.model.from_.event or route.model.accepts
        if layers is not None:
            shapes = [catalog.schemas.shape(event)] if event and event in catalog.types else []
            _check(catalog, Place(catalog.report, route.document, ("scopes",)), layers, shapes)


def _check(catalog: Catalog, place: Place, layers: ScopeLayers, shapes: list[Shape]) -> None:
    scope = Scope(catalog)
    for name in ScopeLayers.model_fields:
        text = getattr(layers, name)
        if text is None:
            continue
        at = place.at(name)
        expr = catalog.texts.expression(at, text)
        if expr is not None:
            Checker(scope).references(at, expr.references)
            _check_paths(scope, at, expr, shapes)


def _check_paths(scope: Scope, place: Place, expr: Expr, shapes: list[Shape]) -> None:
    found: list[list[ExpressionError]] = []
    for shape in shapes:
        errors = check_expression(expr, shape, "optional", scope.known)
        if not errors:
            return
        found.append(errors)
    if found:
        for error in min(found, key=lambda errors: (len(errors), not any(e.suggestion for e in errors))):
            report(place, error)

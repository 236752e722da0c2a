"""How an event of a route finds its scope: the expressions that count for it."""

from __future__ import annotations

from collections.abc import Sequence

from engine.compile.catalog import Catalog
from engine.compile.report import Place, Report
from engine.compile.scope import Scope
from engine.config.models.route import RouteDoc
from engine.config.project import Loaded
from engine.expr.jmes import Expr
from engine.expr.shape import check_expression
from engine.expr.shape.check import WARNINGS


def scope_of(catalog: Catalog, route: Loaded[RouteDoc], layers: Sequence[str]) -> tuple[Expr | None, ...] | None:
    """An expression for each layer, None for one its type does not have; None altogether for a route without a scope:
    its events have no type, or their type has no country.
    """
    event = route.model.from_.event or route.model.accepts
    if event is None or event not in catalog.types:
        return None
    asks = tuple(_ask(catalog, route, layer, event) for layer in layers)
    return asks if asks[list(layers).index("country")] is not None else None


def _ask(catalog: Catalog, route: Loaded[RouteDoc], layer: str, event: str) -> Expr | None:
    text, document = None, route.document
    if route.model.scopes is not None:
        text = getattr(route.model.scopes, layer)
    if text is None and catalog.project.scopes is not None:
        text, document = getattr(catalog.project.scopes.model.scopes, layer), catalog.project.scopes.document
    if text is None:
        return None
    expr = catalog.texts.expression(Place(Report(), document, ("scopes", layer)), text)
    if expr is None:
        return None
    errors = check_expression(expr, catalog.schemas.shape(event), "optional", Scope(catalog).known)
    return None if any(error.code not in WARNINGS for error in errors) else expr

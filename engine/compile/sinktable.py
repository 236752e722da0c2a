"""A sink that keeps a reference table: its columns and its key are checked against the rows it is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.compile.expressions import Checker
from engine.compile.report import Place
from engine.compile.scope import Scope
from engine.config.models.route import SinkDoc
from engine.expr.jmes import Expr
from engine.expr.shape import Shape
from engine.plugins.build import DocumentMapper
from engine.plugins.fields import KeyExpr


class TableSink:
    """Plans `table: <name>` of one sink."""

    def __init__(self, scope: Scope, place: Place, doc: SinkDoc) -> None:
        self._scope = scope
        self._place = place
        self._doc = doc
        self._checker = Checker(scope)

    def target(self, name: str, mapper: DocumentMapper | None, row: Shape) -> dict[str, Any] | None:
        """What a PlannedSink says of its table; None with a finding. `row` is what is known of a row."""
        catalog, place = self._scope.catalog, self._place
        if not catalog.known(place.at("table"), "table", name):
            return None
        planned = catalog.tables.get(name)
        if planned is None:
            self._scope.uses.unusable = True
            return None
        if planned.file:
            text = f"table `{name}` is read from {planned.file}; a sink cannot keep it too"
            place.at("table").finding("TF4022", text, help="use a table without `csv`")
            return None
        self._scope.uses.digests[f"table {name}"] = planned.version  # its columns are the key, unless the sink has one
        self._check_columns(name, planned.key, row)
        key = self._key(planned.key, row)
        return None if key is None else {"table": name, "table_key": key, "mapper": mapper, "guarantee": "upsert"}

    def _check_columns(self, table: str, columns: Sequence[str], row: Shape) -> None:
        """The columns a table is read by have to be in the rows it is kept with."""
        loaded = self._scope.catalog.project.tables
        assert loaded is not None
        place = Place(self._scope.catalog.report, loaded.document, ("tables", table, "key"))
        many = isinstance(loaded.model.tables[table].key, list)
        why = f"sink `{self._doc.id}` of route {self._scope.route} keeps the table"
        for index, column in enumerate(columns):
            if not row.has(column):
                at = place.at(index) if many else place
                at.unknown("TF3521", "field of its rows called", column, row.fields, why=why)

    def _key(self, columns: Sequence[str], shape: Shape) -> KeyExpr | None:
        """The key as it is written, or the table's own columns of the row."""
        raw, place = self._doc.key, self._place.at("key")
        texts = list(columns) if raw is None else raw if isinstance(raw, list) else [raw]
        parts: list[Expr] = []
        for index, text in enumerate(texts):
            at = self._place.at("table") if raw is None else place.at(index) if isinstance(raw, list) else place
            expr = self._scope.catalog.texts.expression(at, text)
            if expr is None:
                return None
            if raw is not None:
                self._checker.expression(at, expr, shape, "key")
            parts.append(expr)
        return KeyExpr(tuple(parts))

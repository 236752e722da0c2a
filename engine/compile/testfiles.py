"""Test files: what they name has to exist. What they say is judged when they run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.compile.catalog import Catalog
from engine.compile.expressions import Checker
from engine.compile.report import Place
from engine.compile.scope import Scope
from engine.config.checks import ids_of
from engine.config.models.route import RouteDoc
from engine.config.models.tests import CaseDoc
from engine.config.project import Loaded
from engine.expr.shape import UNKNOWN, Shape


def check_tests(catalog: Catalog) -> None:
    """Findings of every test: routes, mappings, schemas, stubs, sinks, and paths set in the event."""
    for loaded in catalog.project.tests:
        place = Place(catalog.report, loaded.document, ("tests",))
        for index, case in enumerate(loaded.model.tests):
            _CaseCheck(catalog, place.at(index), case).check()


# What expectations are compared by besides equality; the test runner knows the same ones.
MATCHERS = (
    "$exact", "$contains", "$at_least", "$at_most", "$matches", "$one_of", "$sum", "$count", "$each", "$present", "$not",
)  # fmt: skip


class _CaseCheck:
    def __init__(self, catalog: Catalog, place: Place, case: CaseDoc) -> None:
        self._catalog = catalog
        self._place = place
        self._case = case
        self._route: Loaded[RouteDoc] | None = None

    def check(self) -> None:
        case, catalog = self._case, self._catalog
        if case.route is not None and catalog.known(self._place.at("route"), "route", case.route):
            self._route = catalog.project.routes.get(case.route)
        if case.mapping is not None:
            catalog.known(self._place.at("mapping"), "mapping", case.mapping)
        for place, name in self._schemas():
            catalog.known(place, "schema", name)
        if self._route is not None:
            self._stubs(self._route)
            self._sinks(self._route)
        self._paths()
        if case.expect is not None:
            expected = self._place.at("expect")
            self._matchers(expected, expected.document.at(expected.path))

    def _matchers(self, place: Place, value: Any) -> None:
        """A misspelt matcher would be compared as if it were data."""
        entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in entries:
            if isinstance(key, str) and key.startswith("$") and key not in MATCHERS:
                place.at(key).unknown("TF3028", "matcher", key, MATCHERS, key=True)
            self._matchers(place.at(key), item)

    def _schemas(self) -> Iterator[tuple[Place, str]]:
        if self._case.given.schema_:
            yield self._place.at("given", "schema"), self._case.given.schema_
        if self._case.expect is not None and self._case.expect.schema_:
            yield self._place.at("expect", "schema"), self._case.expect.schema_

    def _stubs(self, route: Loaded[RouteDoc]) -> None:
        known = [*self._steps(route), *(sink.id for sink in route.model.to), *self._catalog.project.names("connection")]
        for name in self._case.stub:
            if name not in known:
                self._place.at("stub", name).unknown("TF3026", "step, sink or connection called", name, known, key=True)

    def _steps(self, route: Loaded[RouteDoc]) -> list[str]:
        documents = [route.document, *(loaded.document for loaded in self._catalog.project.subflows.values())]
        return [name for document in documents for name, _ in ids_of(document.data.get("steps"), ("steps",))]

    def _sinks(self, route: Loaded[RouteDoc]) -> None:
        sinks = [sink.id for sink in route.model.to]
        expected = self._case.expect.sinks if self._case.expect is not None else {}
        for name in expected:
            if name not in sinks:
                self._place.at("expect", "sinks", name).unknown("TF3026", "sink called", name, sinks, key=True)

    def _paths(self) -> None:
        """`set` and `remove` change the event before it is sent."""
        given, shape = self._case.given, self._shape()
        if not shape.kinds:
            return
        for name in given.set:
            self._path(self._place.at("given", "set", name), name, shape, key=True)
        for index, name in enumerate(given.remove):
            self._path(self._place.at("given", "remove", index), name, shape)

    def _shape(self) -> Shape:
        """What a given event looks like; unknown for native files."""
        name: Any = self._case.given.schema_
        if name is None and self._route is not None:
            name = self._route.model.from_.event or self._route.model.accepts
        return self._catalog.schemas.shape(name) if name else UNKNOWN

    def _path(self, place: Place, text: str, shape: Shape, *, key: bool = False) -> None:
        expr = self._catalog.texts.expression(place, text)
        if expr is None:
            return
        checker = Checker(Scope(self._catalog))
        if key:
            checker.path(place, expr, shape)
        else:
            checker.expression(place, expr, shape, "optional")

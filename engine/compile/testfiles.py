"""Test files: what they name has to exist. What they say is judged when they run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.compile.catalog import Catalog
from engine.compile.expectations import check_expected, check_filtered, check_work_items, reasons_in
from engine.compile.expressions import Checker
from engine.compile.pieces import Pieces
from engine.compile.report import Place
from engine.compile.scope import Scope
from engine.config.checks import ids_of
from engine.config.models.route import RouteDoc, SubflowDoc
from engine.config.models.tests import CaseDoc, ExpectDoc
from engine.config.project import Loaded, Project
from engine.config.subject import subject_of
from engine.expr.shape import UNKNOWN, Shape


def check_tests(catalog: Catalog, before: Pieces[bool]) -> None:
    """Findings of every test: routes, mappings, schemas, stubs, sinks, parameters, and paths set in the event.

    before   cases that were checked before: one is not checked again while it and what it runs through stay as they are
    """
    written = _Written(catalog.project)
    for loaded in catalog.project.tests:
        place = Place(catalog.report, loaded.document, ("tests",))
        for index, case in enumerate(loaded.model.tests):
            check = _CaseCheck(catalog, written, place.at(index), loaded.path, case)
            before.piece(catalog, f"{loaded.path} {index}", (loaded, *check.made_of()), check.check)


class _Written:
    """Ids and reasons in the steps of each route, those of shared steps among them."""

    def __init__(self, project: Project) -> None:
        self._subflows = tuple(project.subflows.values())
        self._steps: dict[str, list[str]] = {}
        self._reasons: dict[str, list[str]] = {}

    @property
    def shared(self) -> tuple[Loaded[SubflowDoc], ...]:
        return self._subflows

    def steps(self, route: Loaded[RouteDoc]) -> list[str]:
        name = route.model.route
        if name not in self._steps:
            blocks = self._blocks(route)
            self._steps[name] = [name for steps in blocks for name, _ in ids_of(steps, ("steps",))]
        return self._steps[name]

    def reasons(self, route: Loaded[RouteDoc]) -> list[str]:
        name = route.model.route
        if name not in self._reasons:
            self._reasons[name] = [reason for steps in self._blocks(route) for reason in reasons_in(steps)]
        return self._reasons[name]

    def _blocks(self, route: Loaded[RouteDoc]) -> list[Any]:
        documents = [route.document, *(loaded.document for loaded in self._subflows)]
        return [document.data.get("steps") for document in documents]


class _CaseCheck:
    def __init__(self, catalog: Catalog, written: _Written, place: Place, path: str, case: CaseDoc) -> None:
        self._catalog = catalog
        self._written = written
        self._place = place
        self._case = case
        self._subject = subject_of(catalog.project, path, case)
        self._route = catalog.project.routes.get(self._subject.route)
        self._running = [found for name in self._subject.running if (found := catalog.project.routes.get(name))]
        # The name or the file of one that is missing has a finding of its own; what it has in it is not known.
        self._all_there = len(self._running) == len(self._subject.running)

    def made_of(self) -> tuple[Any, ...]:
        """What the findings depend on besides the case and the names in it."""
        project, mapping = self._catalog.project, self._catalog.mappings.get(self._subject.mapping)
        expected = self._case.expect.sinks if self._case.expect is not None else ()
        return (
            self._subject,
            self._running,
            self._written.shared,
            bool(project.broken),
            project.names("connection") if self._case.stub else (),
            mapping.made if mapping is not None else UNKNOWN,
            [self._body(name) for name in expected],
        )

    def check(self) -> bool:
        """True: it was checked."""
        self._names()
        for place, name in self._schemas():
            self._catalog.known(place, "schema", name)
        if self._route is not None:
            if self._all_there:
                self._stubs()
                self._sinks()
            self._params(self._route)
        self._paths()
        if self._case.expect is not None:
            self._expected(self._place.at("expect"), self._case.expect)
        return True

    def _names(self) -> None:
        case, catalog = self._case, self._catalog
        if case.route is not None:
            catalog.known(self._place.at("route"), "route", case.route)
        if case.mapping is not None:
            catalog.known(self._place.at("mapping"), "mapping", case.mapping)
        for index, name in enumerate(case.routes if isinstance(case.routes, list) else ()):
            catalog.known(self._place.at("routes", index), "route", name)
        if not self._subject.route and not self._subject.mapping and not catalog.project.broken:
            advice = "add `route:` or `mapping:`, or name the file after one"
            self._place.at("name").finding("TF1102", "this test is about no route and no mapping", help=advice)

    def _schemas(self) -> Iterator[tuple[Place, str]]:
        if self._case.given.schema_:
            yield self._place.at("given", "schema"), self._case.given.schema_
        if self._case.expect is not None and self._case.expect.schema_:
            yield self._place.at("expect", "schema"), self._case.expect.schema_

    def _stubs(self) -> None:
        if not self._case.stub:
            return
        steps = self._written.steps
        ids = [(route.model.route, name) for route in self._running for name in (*steps(route), *_sinks(route))]
        known = [name for _, name in ids] + self._catalog.project.names("connection")
        placed = [f"{route}/{name}" for route, name in ids]
        for name in self._case.stub:
            if name not in known and name not in placed:
                self._place.at("stub", name).unknown("TF3026", "step, sink or connection called", name, known, key=True)

    def _sinks(self) -> None:
        chained = self._subject.chained
        known = [
            f"{route.model.route}/{name}" if chained else name for route in self._running for name in _sinks(route)
        ]
        expected = self._case.expect.sinks if self._case.expect is not None else {}
        for name in expected:
            if name not in known:
                self._place.at("expect", "sinks", name).unknown("TF3026", "sink called", name, known, key=True)

    def _expected(self, place: Place, expect: ExpectDoc) -> None:
        reasons = {reason for route in self._running for reason in self._written.reasons(route)}
        steps = {name for route in self._running for name in (*self._written.steps(route), *_sinks(route))}
        check_filtered(place.at("filtered"), expect.filtered, reasons)
        check_work_items(place.at("work_items"), expect.work_items or [], reasons, steps if self._all_there else ())
        mapping = self._catalog.mappings.get(self._subject.mapping)
        if expect.output is not None:
            check_expected(place.at("output"), expect.output, mapping.made if mapping is not None else UNKNOWN)
        for name, sink in expect.sinks.items():
            at, body = place.at("sinks", name), self._body(name)
            for word, wanted in (("items", sink.items), ("order", sink.order)):
                check_expected(at.at(word), wanted or [], Shape.of_list(body))
            for word, wanted in (("count", sink.count), ("attempts", sink.attempts), ("requests", sink.requests)):
                check_expected(at.at(word), wanted, UNKNOWN)
        for word in ("data", "reply", "duplicates", "error"):
            check_expected(place.at(word), getattr(expect, word), UNKNOWN)

    def _body(self, name: str) -> Shape:
        """What is known of the documents a sink gets."""
        route, _, sink = name.rpartition("/")
        return self._catalog.bodies.get((route or self._subject.route, sink), UNKNOWN)

    def _params(self, route: Loaded[RouteDoc]) -> None:
        known = route.model.params
        for name, value in self._case.params.items():
            place = self._place.at("params", name)
            if name not in known:
                place.unknown("TF1052", "parameter", name, known, key=True)
            elif wrong := known[name].refusal(value):
                place.finding("TF4012", f"this is {wrong}", help=f"see `params` of {route.model.route}")

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


def _sinks(route: Loaded[RouteDoc]) -> list[str]:
    return [sink.id for sink in route.model.to]

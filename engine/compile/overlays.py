"""Overlays: what they name has to exist in the base. What they change is decided when they are applied."""

from __future__ import annotations

from collections.abc import Iterable

from engine.compile.catalog import Catalog
from engine.compile.report import Place
from engine.config.checks import ids_of
from engine.config.models.regions import OverlayDoc
from engine.config.models.route import RouteDoc
from engine.config.project import Loaded


def check_overlays(catalog: Catalog) -> None:
    """Findings of every overlay's names."""
    for loaded in catalog.project.overlays:
        _OverlayCheck(catalog, loaded).check()


class _OverlayCheck:
    def __init__(self, catalog: Catalog, loaded: Loaded[OverlayDoc]) -> None:
        self._catalog = catalog
        self._place = Place(catalog.report, loaded.document)
        self._doc = loaded.model

    def check(self) -> None:
        route = self._base()
        for name in self._doc.connect:
            self._catalog.known(self._place.at("connect", name), "connection", self._doc.connect[name])
        for mapping in self._doc.fill_mapping:
            self._mapping(mapping)
        if route is not None:
            self._targets(route)

    def _base(self) -> Loaded[RouteDoc] | None:
        name = self._doc.base.partition("@")[0]
        catalog = self._catalog
        if catalog.project.exists("route", name):
            return catalog.project.routes.get(name)
        self._place.at("base").unknown("TF3016", "route", name, catalog.project.names("route"), offset=0)
        return None

    def _targets(self, route: Loaded[RouteDoc]) -> None:
        sinks = [sink.id for sink in route.model.to]
        steps = [name for name, _ in ids_of(route.document.data.get("steps"), ("steps",))]
        slots = [step.id for step in route.model.steps if step.type == "slot"]
        self._keys("set", self._doc.set, route.model.params, "parameter")
        self._keys("connect", self._doc.connect, sinks, "sink")
        self._keys("fill", self._doc.fill, slots, "slot")
        for index, disabled in enumerate(self._doc.disable):
            self._name(self._place.at("disable", index, "id"), disabled.id, [*steps, *sinks], "step or sink")
        for index, inserted in enumerate(self._doc.insert):
            word = "before" if inserted.before else "after"
            self._name(self._place.at("insert", index, word), inserted.before or inserted.after or "", steps, "step")
        self._tests(route.model.route)

    def _tests(self, route: str) -> None:
        cases = [case for loaded in self._catalog.project.tests for case in loaded.model.tests]
        tests = [case.name for case in cases if case.route == route]
        for index, change in enumerate(self._doc.expects_change):
            self._name(self._place.at("expects_change", index, "test"), change.test, tests, "test")

    def _mapping(self, name: str) -> None:
        place = self._place.at("fill_mapping", name)
        self._catalog.used.add(("mapping", name))
        if not self._catalog.project.exists("mapping", name):
            place.unknown("TF3002", "mapping", name, self._catalog.project.names("mapping"), key=True)
            return
        mapping = self._catalog.mappings.get(name)
        if mapping is not None:
            self._keys("fill_mapping", self._doc.fill_mapping[name], mapping.slots, "slot", name)

    def _keys(self, word: str, given: Iterable[str], known: Iterable[str], what: str, *path: str) -> None:
        for name in given:
            if name not in known:
                self._place.at(word, *path, name).unknown("TF3008", what, name, known, key=True)

    def _name(self, place: Place, name: str, known: Iterable[str], what: str) -> None:
        if name not in known:
            place.unknown("TF3008", what, name, known)

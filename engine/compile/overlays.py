"""Names in overlays that lead out of their route. Targets are looked for when overlays are applied."""

from __future__ import annotations

from engine.compile.catalog import Catalog
from engine.compile.report import Place
from engine.config.models.regions import OverlayDoc
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
        for name, connection in self._doc.connect.items():
            self._catalog.known(self._place.at("connect", name), "connection", connection)
        self._catalog.used.update(("mapping", name) for name in self._doc.fill_mapping)
        route = self._catalog.project.routes.get(self._doc.base.partition("@")[0])
        if route is not None:
            self._tests(route.model.route)
            self._sinks([sink.id for sink in route.model.to])

    def _sinks(self, known: list[str]) -> None:
        for index, change in enumerate(self._doc.expects_change):
            for name in change.sinks:
                if name not in known:
                    place = self._place.at("expects_change", index, "sinks", name)
                    place.unknown("TF3026", "sink called", name, known, key=True)

    def _tests(self, route: str) -> None:
        cases = [case for loaded in self._catalog.project.tests for case in loaded.model.tests]
        tests = [case.name for case in cases if case.route == route]
        for index, change in enumerate(self._doc.expects_change):
            if change.test not in tests:
                self._place.at("expects_change", index, "test").unknown("TF3008", "test", change.test, tests)

"""Names in overlays that lead out of their route. Targets are looked for when overlays are applied."""

from __future__ import annotations

from difflib import SequenceMatcher, get_close_matches

from engine.compile.catalog import Catalog
from engine.compile.report import Place
from engine.config.models.regions import OverlayDoc
from engine.config.nearest import did_you_mean
from engine.config.project import Loaded
from engine.config.subject import subject_of

NEAR = 0.75  # of 1: two sentences that differ in a word or two


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
        project = self._catalog.project
        tests = [
            case.name
            for loaded in project.tests
            for case in loaded.model.tests
            if subject_of(project, loaded.path, case).route == route
        ]
        for index, change in enumerate(self._doc.expects_change):
            if change.test not in tests:
                self._no_test(self._place.at("expects_change", index, "test"), route, change.test, tests)

    def _no_test(self, place: Place, route: str, name: str, tests: list[str]) -> None:
        """Names of tests are sentences: the most alike is told however far it is, and offered only when it is near."""
        alike = get_close_matches(name, tests, n=1, cutoff=0)
        near = alike[0] if alike and SequenceMatcher(None, name, alike[0]).ratio() >= NEAR else ""
        advice = (
            f"its tests have no such name; the nearest is `{alike[0]}`" if alike else f"`{route}` has no test at all"
        )
        place.finding(
            "TF3008",
            f"there is no test `{name}` of the route `{route}`",
            help=did_you_mean([near] if near else []) or advice,
            suggestion=near,
            length=len(name),
        )

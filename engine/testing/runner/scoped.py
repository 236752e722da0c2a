"""A case in the regions of the project: which Plans there are, and what an overlay says it changes."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.compile.plan import EventType, Plan, RouteSet
from engine.compile.regions.choosing import Ground, Regional, Span
from engine.config.layout import beside
from engine.config.models.regions import ChangeDoc, OverlayDoc
from engine.config.models.tests import ExpectDoc, GivenDoc
from engine.config.project import Loaded
from engine.core.jsonx import encode
from engine.testing.runner.chosen import TestCase
from engine.testing.runner.givens import Given
from engine.testing.runner.project import TestProject
from engine.testing.runner.values import path_of, with_value


@dataclass(frozen=True)
class Scoped:
    """A place a case runs in. `overlays` are those that count there; `own`: the Plan is not that of the base.

    name   as a difference between two RouteSets names it, see `Ground.named`
    label  as people read it
    route  whose Plans these are
    """

    name: str
    label: str
    packs: tuple[str, ...]
    country: str
    scope: str
    day: str
    overlays: tuple[str, ...]
    own: bool
    route: str = ""

    def plan(self, routeset: RouteSet, route: str) -> Plan:
        """The Plan of a route here."""
        regional = routeset.regional.get(route)
        ground = regional.at(self.scope).ground if regional is not None else None
        return ground.on(self.day).plan if ground is not None else routeset.plans[route]


def scopes_of(project: TestProject, case: TestCase) -> list[Scoped]:
    """Every scope of the case's route, with a day inside each interval; none where it runs the same everywhere.

    Of a mapping those of the routes in which a region fills it; where there are several, the scope says in which.
    """
    if case.subject.mapping:
        return _scopes_of_mapping(project.routeset, case.subject.mapping)
    regional = project.routeset.regional.get(case.subject.route)
    if regional is None:
        return []
    base = project.routeset.plans[case.subject.route].digest
    found = [(ground, span) for ground, span in regional.spans() if ground.country]
    return [_scoped(ground, span, span.plan.digest != base) for ground, span in found]


def _scoped(ground: Ground, span: Span, own: bool) -> Scoped:
    label = "+".join(ground.packs)
    label += f" from {span.since}" if span.since else f" until {span.until}" if span.until else ""
    scope = encode(dict(ground.values)).decode()
    return Scoped(
        ground.named(span), label, ground.packs, ground.country, scope, span.since or span.until, span.overlays, own
    )


def _scopes_of_mapping(routeset: RouteSet, name: str) -> list[Scoped]:
    routes = [regional for regional in routeset.regional.values() if _fills(routeset, regional, name)]
    found = [
        replace(_scoped(ground, span, own=False), route=regional.route)
        for regional in routes
        for ground, span in regional.spans()
        if ground.country
    ]
    return [replace(one, label=f"{one.label} ({one.route})") for one in found] if len(routes) > 1 else found


def _fills(routeset: RouteSet, regional: Regional, name: str) -> bool:
    """Whether the mapping is another one somewhere."""
    key = f"mapping {name}"
    base = routeset.plans[regional.route].uses.get(key)
    return any(span.plan.uses.get(key) not in (None, base) for _, span in regional.spans())


def own_cases(case: TestCase, scoped: Scoped, files: Mapping[str, bytes]) -> TestCase:
    """The case with what the packs bring under the same names, the strongest pack first."""
    given = case.doc.given
    folders = [f"routes/regions/{code}/cases" for code in reversed(scoped.packs)]

    def own(name: Any) -> Any:
        path = beside(case.file, name) if isinstance(name, str) else None
        if path is None or "/cases/" not in f"/{path}":
            return name
        inside = path.partition("cases/")[2]
        found = next((one for folder in folders if (one := f"{folder}/{inside}") in files), None)
        return name if found is None else posixpath.relpath(found, posixpath.dirname(case.file))

    changed: dict[str, Any] = {"event": own(given.event), "file": own(given.file)}
    changed |= {name: [own(one) for one in many] for name in ("events", "files") if (many := getattr(given, name))}
    return replace(case, doc=case.doc.model_copy(update={"given": given.model_copy(update=changed)}))


def on_day(given: Given, type_: EventType | None, scoped: Scoped) -> Given:
    """What is given, on a business day inside the interval. Raises BadTest."""
    if type_ is None or type_.business_date is None or not scoped.day:
        return given
    path = path_of(type_.business_date.text)
    return replace(given, documents=tuple(with_value(document, path, scoped.day) for document in given.documents))


def change_of(project: TestProject, case: TestCase, scoped: Scoped) -> tuple[str, TestCase] | None:
    """What the overlays say of this test: their names, and the case as they expect it; None: nothing.

    Where several speak, of one sink the stronger one is heard.
    """
    found = [
        (loaded, change)
        for name in scoped.overlays
        for loaded in project.project.overlays
        for change in loaded.model.expects_change
        if loaded.model.overlay == name and change.test == case.name
    ]
    if not found:
        return None
    expecting = case
    for loaded, change in found:
        expecting = _expecting(expecting, loaded, change, first=expecting is case)
    return " and ".join(loaded.model.overlay for loaded, _ in found), expecting


def _expecting(case: TestCase, loaded: Loaded[OverlayDoc], change: ChangeDoc, *, first: bool) -> TestCase:
    before = ExpectDoc() if first or case.doc.expect is None else case.doc.expect
    said = {name: getattr(change, name) for name in ExpectDoc.model_fields if getattr(change, name) is not None}
    said["sinks"] = {**before.sinks, **change.sinks}
    update: dict[str, Any] = {"expect": before.model_copy(update=said), "invariants": []}
    mark = case.mark
    if change.given is not None:
        update["given"] = _joined(case.doc.given, change.given)
        mark = replace(mark, file=loaded.path)
    return replace(case, doc=case.doc.model_copy(update=update), mark=mark)


def _joined(base: GivenDoc, own: GivenDoc) -> GivenDoc:
    """What the overlay gives, as often as the test gives it."""
    return own if own.times != 1 else own.model_copy(update={"times": base.times})

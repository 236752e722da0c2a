"""Plans of routes in regions: overlays applied, compiled, and shared where they come out equal."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from engine.compile.catalog import Catalog
from engine.compile.digests import content_digest
from engine.compile.issuing import check_who_issues
from engine.compile.plan import Plan
from engine.compile.regions.choosing import Ground, PlannedPack, Regional, Span
from engine.compile.regions.coverage import check_countries
from engine.compile.regions.residency import check_residency
from engine.compile.regions.scoping import scope_of
from engine.compile.report import Report
from engine.compile.reuse import Memory
from engine.compile.routes import plan_route
from engine.config.models.route import RouteDoc
from engine.config.project import Loaded
from engine.config.regions.applying import apply
from engine.config.regions.checks import check_regions
from engine.config.regions.packs import (
    LAYERS,
    Overlay,
    Pack,
    base_of,
    combinations,
    days_of,
    in_turn,
    packs_of,
)
from engine.config.regions.working import Effective, untouched
from engine.core.findings import Finding, has_errors


@dataclass
class Regions:
    """All routes that have a scope, and those whose Plans have errors in some region."""

    routes: dict[str, Regional] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    combinations: dict[tuple[str, ...], list[tuple[Pack, ...]]] = field(default_factory=dict)
    reads: dict[str, set[str]] = field(default_factory=dict)  # route -> parameters that its overlays read


@dataclass
class _Made:
    """A route under some overlays."""

    effective: Effective
    plan: Plan | None


def plan_regions(catalog: Catalog, plans: Mapping[str, Plan], memory: Memory) -> Regions:
    """Nothing in a project without packs. Findings are put into the catalog's report."""
    project = catalog.project
    found = check_regions(project)
    catalog.report.add(*found)
    regions = Regions()
    if not project.packs:
        return regions
    check_countries(catalog)
    packs = {pack.code: pack for pack in packs_of(project)}
    by_base: dict[str, list[Overlay]] = {}
    for overlay in project.overlays:
        if overlay.region in packs:
            by_base.setdefault(base_of(overlay), []).append(overlay)
    for name in sorted(project.routes):
        overlays = by_base.get(name, [])
        _RoutePlanner(catalog, regions, project.routes[name], packs, overlays, plans.get(name), memory).plan()
    return regions


class _RoutePlanner:
    """One route."""

    def __init__(
        self,
        catalog: Catalog,
        regions: Regions,
        route: Loaded[RouteDoc],
        packs: Mapping[str, Pack],
        overlays: Sequence[Overlay],
        base: Plan | None,
        memory: Memory,
    ) -> None:
        self._catalog = catalog
        self._regions = regions
        self._route = route
        self._packs = packs
        self._overlays = overlays
        self._base = base
        self._memory = memory
        self._made: dict[tuple[str, ...], _Made] = {(): _Made(untouched(route), base)}
        self._plans: dict[str, Plan] = {base.digest: base} if base is not None else {}
        self._said: set[Finding] | None = None
        self._broken = base is None

    def plan(self) -> None:
        asked = {layer for pack in self._relevant() for layer in pack.wants} | {"country"}
        layers = tuple(layer for layer in LAYERS if layer in asked)
        asks = scope_of(self._catalog, self._route, layers)
        if asks is None:
            if self._catalog.project.scopes is not None:  # else that is what is wrong
                self._never_used()
            return
        grounds = {tuple(pack.code for pack in packs): self._ground(packs) for packs in self._combinations()}
        if self._broken:
            self._regions.broken.add(self._route.model.route)
            return
        self._tell_idle()
        home = self._packs.get(self._route.region)
        self._regions.routes[self._route.model.route] = Regional(
            route=self._route.model.route,
            layers=layers,
            asks=asks,
            packs=tuple(_planned(pack) for pack in self._relevant()),
            grounds=grounds,
            home=_planned(home) if home is not None else None,
        )

    def _never_used(self) -> None:
        for overlay in self._overlays:
            text = f"`{base_of(overlay)}` runs without a scope: no event finds this overlay"
            advice = "lay it over the route that takes the canonical events"
            mark = overlay.document.marks.value(("base",))
            self._catalog.report.add(Finding("TF6023", text, mark, advice))
            self._regions.broken.add(base_of(overlay))

    def _tell_idle(self) -> None:
        """What an overlay says and what makes no difference in any scope and on any day."""
        under = [made.effective for made in self._made.values()]
        moved = {mark for one in under for mark in one.moved}
        idle = {finding.mark: finding for one in under for finding in one.idle}
        self._catalog.report.add(*(finding for mark, finding in idle.items() if mark not in moved))

    def _relevant(self) -> list[Pack]:
        """Country packs, which an event must have, and those that lay something over this route."""
        own = {overlay.region for overlay in self._overlays}
        home = {self._route.region}
        return [pack for pack in self._packs.values() if pack.layer == "country" or pack.code in own | home]

    def _combinations(self) -> list[tuple[Pack, ...]]:
        relevant = self._relevant()
        key = tuple(pack.code for pack in relevant)
        if key not in self._regions.combinations:
            self._regions.combinations[key] = combinations(relevant)
        return self._regions.combinations[key]

    def _ground(self, packs: Sequence[Pack]) -> Ground:
        codes = {pack.code for pack in packs}
        overlays = in_turn([one for one in self._overlays if one.region in codes], self._packs)
        spans = []
        for days in days_of(overlays):
            made = self._under(days.overlays)
            if made.plan is None:
                self._broken = True
                continue
            for pack in packs:
                self._lawful(made.effective, made.plan, pack)
            names = tuple(overlay.model.overlay for overlay in days.overlays)
            spans.append(Span(days.since, days.until, made.plan, names))
        country = next((pack for pack in packs if pack.layer == "country"), None)
        values = {layer: value for pack in packs for layer, value in pack.wants.items()}
        return Ground(
            packs=tuple(pack.code for pack in packs),
            country=country.wants["country"] if country is not None else "",
            residency=country.residency if country is not None else "",
            spans=tuple(spans),
            values=values,
        )

    def _lawful(self, effective: Effective, plan: Plan, pack: Pack) -> None:
        report = Report()
        if pack.residency:
            check_residency(self._with(report), effective, plan, pack)
        check_who_issues(report, plan, pack)
        self._broken |= report.errors > 0
        self._tell(report.all(), effective.overlays)

    # --- one set of overlays -----------------------------------------------------------------------------------------

    def _under(self, overlays: Sequence[Overlay]) -> _Made:
        key = tuple(overlay.path for overlay in overlays)
        if key not in self._made:
            self._made[key] = self._compiled(overlays)
        return self._made[key]

    def _compiled(self, overlays: Sequence[Overlay]) -> _Made:
        effective, found = apply(self._catalog.project, self._route, overlays, self._packs)
        self._tell(found, effective.overlays)
        if has_errors(found) or self._base is None:
            return _Made(effective, None)
        report = Report()
        catalog = self._with(report)
        if effective.mappings:
            catalog.mappings = self._catalog.mappings.filled(catalog, effective.mappings)
        disabled = {name: sink for name in effective.disabled if (sink := self._base.sink(name)) is not None}
        compile = partial(plan_route, catalog, effective.route, disabled)
        name = f"{effective.route.model.route} {' '.join(effective.overlays)}"
        plan, read = self._memory.route(catalog, name, effective.route, compile)
        self._regions.reads.setdefault(effective.route.model.route, set()).update(read)
        self._tell(report.all(), effective.overlays)
        if plan is not None and report.errors == 0:
            plan = self._plans.setdefault(plan.digest, plan)
        return _Made(effective, plan if report.errors == 0 else None)

    def _with(self, report: Report) -> Catalog:
        """The same catalog with a report, and notes about sinks, of its own."""
        catalog = copy.copy(self._catalog)
        catalog.report = report
        catalog.bodies = {}
        return catalog

    def _tell(self, found: Sequence[Finding], overlays: Sequence[str]) -> None:
        """What was not said before, with the overlays under which it is so."""
        if not found:
            return
        if self._said is None:
            self._said = set(self._catalog.report.all())
        own = {overlay.path for overlay in self._overlays}
        for finding in found:
            if finding in self._said:
                continue
            self._said.add(finding)
            if finding.mark.file not in own and overlays:
                marks = tuple(o.document.marks.key(("overlay",)) for o in self._overlays if o.model.overlay in overlays)
                told = f"{finding.message} (under {', '.join(overlays)})"
                finding = replace(finding, message=told, also=(*finding.also, *marks))
            self._catalog.report.add(finding)


def _planned(pack: Pack) -> PlannedPack:
    return PlannedPack(pack.code, pack.layer, pack.wants, pack.residency, pack.loaded.model.mode or "")


def region_digest(regional: Regional) -> str:
    """Changes exactly when another Plan may run for some event."""
    return content_digest(
        "regional",
        list(regional.layers),
        [ask.text if ask is not None else "" for ask in regional.asks],
        [[pack.code, pack.layer, dict(pack.wants), pack.residency, pack.mode] for pack in regional.packs],
        [
            [list(ground.packs), [[span.since, span.until, span.plan.digest] for span in ground.spans]]
            for ground in regional.grounds.values()
        ],
        regional.home.code if regional.home is not None else "",
    )

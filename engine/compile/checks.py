"""Checks of the project as a whole: who publishes what, what nobody uses, and circles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.compile.catalog import CODES, Catalog
from engine.compile.report import Place
from engine.config.document import Document
from engine.config.models.route import RouteDoc
from engine.config.nearest import suggestion
from engine.config.project import Loaded
from engine.config.substitution import Joined, ParamRef, references
from engine.core.event import split_type

# Kinds of things with the file and the path their names stand at, for `nothing uses this`.
Definition = tuple[str, str, Place]
# Steps that are there to end some events: whoever wrote one has thought of an end.
_ENDING = frozenset({"filter", "policy", "aggregate", "choose", "slot", "subflow"})
# Steps that every event passes. Of all others (a `split` of nothing, a `check`, a plugin's) it is not known.
_PASSING = frozenset(
    {"call", "claim_check", "delay", "drop", "enrich", "keep", "map", "mask", "set", "template", "throttle", "wire_tap"}
)


def check_project(catalog: Catalog, reads: Mapping[str, set[str]]) -> None:
    """Findings that need more than one route. `reads`: parameters that something reads, by route."""
    routes = catalog.project.routes
    _check_circles(catalog, routes)
    _check_params(catalog, reads)
    if not catalog.project.broken:  # what a file that could not be read uses and publishes is not known
        _check_bus(catalog, routes)
        _check_unused(catalog)


def _published(routes: Mapping[str, Loaded[RouteDoc]]) -> Iterator[tuple[str, str, int]]:
    """(event type, name of the route, index of the sink)."""
    for name, loaded in routes.items():
        for index, sink in enumerate(loaded.model.to):
            if sink.event is not None:
                yield sink.event, name, index


def _check_bus(catalog: Catalog, routes: Mapping[str, Loaded[RouteDoc]]) -> None:
    """Types that are published and not subscribed to, and the other way round. Versions are not compared."""
    subscribed = {split_type(r.model.from_.event)[0] for r in routes.values() if r.model.from_.event}
    published = {split_type(event)[0] for event, _, _ in _published(routes)}
    taken_in = {split_type(r.model.accepts)[0] for r in routes.values() if r.model.accepts}
    for event, publisher, index in _published(routes):
        if split_type(event)[0] not in subscribed and event in catalog.types:
            place = Place(catalog.report, routes[publisher].document, ("to", index, "event"))
            advice = "add a route with `from: {event: ..}`, or leave the sink out"
            place.finding("TF4008", f"no route subscribes to {event}", help=advice, severity="warning")
    for loaded in routes.values():
        wanted = loaded.model.from_.event
        if wanted and split_type(wanted)[0] not in published | taken_in and wanted in catalog.types:
            place = Place(catalog.report, loaded.document, ("from", "event"))
            advice = "add a route that publishes it; from outside the project it may still come"
            place.finding("TF4009", f"no route publishes {wanted}", help=advice, severity="warning")


def _check_circles(catalog: Catalog, routes: Mapping[str, Loaded[RouteDoc]]) -> None:
    """Routes that feed each other: an error where nothing in between can end it, a warning where something may."""
    surely, perhaps = _leads(routes, sure=True), _leads(routes, sure=False)
    for name, loaded in routes.items():
        endless = _circle(name, surely)
        circle = endless or _circle(name, perhaps)
        if circle and min(circle) == name:
            place = Place(catalog.report, loaded.document, ("route",))
            text = " > ".join([*circle, circle[0]])
            advice = "add a `filter` step, or a `when` to the sink that closes the circle"
            place.finding(
                "TF4010",
                f"these routes feed each other without end: {text}",
                help=advice,
                severity="error" if endless else "warning",
            )


def _leads(routes: Mapping[str, Loaded[RouteDoc]], *, sure: bool) -> dict[str, set[str]]:
    """Which routes each route feeds. `sure`: with every event; or else with those that some step may hold back too."""
    leads: dict[str, set[str]] = {name: set() for name in routes}
    for event, publisher, index in _published(routes):
        model = routes[publisher].model
        types = [step.type for step in model.steps]
        if model.to[index].when is not None or _ENDING.intersection(types) or (sure and not _PASSING.issuperset(types)):
            continue
        for name, other in routes.items():
            wanted = other.model.from_.event
            if wanted and (wanted == event if sure else split_type(wanted)[0] == split_type(event)[0]):
                leads[publisher].add(name)
    return leads


def _circle(start: str, leads: Mapping[str, set[str]]) -> list[str]:
    """A way from a route back to itself, as names; empty when there is none."""
    waiting = [start]
    came_from: dict[str, str] = {}
    while waiting:
        name = waiting.pop()
        for following in sorted(leads[name]):
            if following == start:
                way = [name]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return list(reversed(way))
            if following not in came_from:
                came_from[following] = name
                waiting.append(following)
    return []


def _check_params(catalog: Catalog, reads: Mapping[str, set[str]]) -> None:
    for name, params in reads.items():
        loaded = catalog.project.routes[name]
        read = params | _filled_in(loaded.document)
        _unused_params(catalog, Place(catalog.report, loaded.document, ("params",)), loaded.model.params, read)
    for name, shared in catalog.project.subflows.items():
        if name in catalog.read_params:
            place = Place(catalog.report, shared.document, ("params",))
            read = catalog.read_params[name] | _filled_in(shared.document)
            _unused_params(catalog, place, shared.model.params, read)


def _filled_in(document: Document) -> set[str]:
    """Parameters that `${param.x}` puts into a file."""
    if "${" not in document.text:
        return set()
    found = (reference for _, reference in references(document.data))
    parts = (
        part for reference in found for part in (reference.parts if isinstance(reference, Joined) else (reference,))
    )
    return {part.name for part in parts if isinstance(part, ParamRef)}


def _unused_params(catalog: Catalog, place: Place, declared: Mapping[str, object], read: set[str]) -> None:
    for name in declared:
        if name not in read:
            near = suggestion(name, [other for other in read if other not in declared])
            advice = (
                f"something reads `{near}`: is that what it is called?"
                if near
                else "read it with param(), or leave it out"
            )
            place.at(name).finding(
                "TF4011",
                f"nothing reads the parameter `{name}`",
                key=True,
                help=advice,
                suggestion=near,
                severity="warning",
            )


def _check_unused(catalog: Catalog) -> None:
    """What nothing refers to. A name that is missed elsewhere and looks like it is what it should be called."""
    named = set(_named(catalog)) if catalog.report.errors else set()
    for kind, name, place in _definitions(catalog):
        if (kind, name) in catalog.used:
            continue
        near = suggestion(name, [missed for missed_kind, missed in catalog.missing if missed_kind == kind])
        if name in named and not near:
            continue
        advice = f"something refers to `{near}`: is that what it is called?" if near else "use it, or leave it out"
        what = CODES[kind][1]
        place.finding(
            "TF3023", f"nothing uses the {what} `{name}`", key=True, help=advice, suggestion=near, severity="warning"
        )


def _named(catalog: Catalog) -> Iterator[str]:
    """Every text of routes, shared steps and mappings: a step with an error may use what it names all the same."""
    project = catalog.project
    for group in (project.routes, project.subflows, project.mappings):
        for loaded in group.values():
            data = loaded.document.data
            yield from _texts([value for key, value in data.items() if key not in ("route", "subflow", "mapping")])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(item)


def _definitions(catalog: Catalog) -> Iterator[Definition]:
    project, report = catalog.project, catalog.report
    for kind, loaded in (("connection", project.connections), ("table", project.tables)):
        if loaded is not None:
            for name in project.names(kind):
                yield kind, name, Place(report, loaded.document, (f"{kind}s", name))
    for name, mapping in project.mappings.items():
        yield "mapping", name, Place(report, mapping.document, ("mapping",))
    for name, shared in project.subflows.items():
        yield "subflow", name, Place(report, shared.document, ("subflow",))

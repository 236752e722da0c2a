"""Compiling only what changed: which files a few routes need, and how their Plans join those that stay.

What is needed is told by the words in the files, which takes too much rather than too little; that it was enough is
seen by the digests of the Plans, and where it was not, everything is compiled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Final

from msgspec import structs

from engine.compile.plan import Plan, PlannedConnection, RouteSet
from engine.config.layout import place_of

Files = Mapping[str, bytes]
Compile = Callable[[Files], RouteSet]
_WORD: Final = re.compile(rb"[\w.@/-]+")
_ALWAYS: Final = frozenset({"connections", "tables", "scopes", "pack", "overlay", "csv"})
_NAMED: Final = frozenset({"route", "mapping", "schema", "template"})


class NotTheSame(ValueError):
    """The files do not give the Plans that were asked for here: other plugins or secrets.

    routes   names them
    given    what the files give here
    """

    def __init__(self, routes: Collection[str], given: RouteSet) -> None:
        self.routes = sorted(routes)
        self.given = given
        super().__init__(
            f"these routes come out otherwise in this process than in the one that read the files: {', '.join(self.routes)}; "
            "both need the same plugins, environment and secrets: start the engine again"
        )


def needed(files: Files, routes: Collection[str]) -> dict[str, bytes]:
    """The files that these routes can be compiled from: theirs, what stands for the whole project, and what the words
    in them lead to.
    """
    places = {path: place for path in files if (place := place_of(path)) is not None}
    named: dict[str, list[str]] = {}
    chosen: list[str] = []
    for path, place in places.items():
        if place.kind in _NAMED:
            named.setdefault(place.name, []).append(path)
        if place.kind in _ALWAYS or (place.kind == "route" and place.name in routes):
            chosen.append(path)
    seen = set(chosen)
    while chosen:
        path = chosen.pop()
        if places[path].kind == "csv":
            continue
        for name in _words(files[path]) & named.keys():
            new = [other for other in named[name] if other not in seen and _may_follow(places[other].kind, path)]
            seen.update(new)
            chosen += new
    return {path: files[path] for path in files if path in seen}


def _may_follow(kind: str, path: str) -> bool:
    """A schema or table names no route, so that a common word does not pull one in."""
    return kind != "route" or path.startswith("routes/")


@lru_cache(maxsize=1024)  # files are the same bytes from edit to edit
def _words(content: bytes) -> frozenset[str]:
    found = set()
    for word in _WORD.findall(content):
        text = word.decode("utf-8", "replace").strip("./-")
        found.add(text)
        found.update(text.split("/"))
    return frozenset(found)


def build(files: Files, digest: str, plans: Mapping[str, str], before: RouteSet, compile: Compile) -> RouteSet:
    """The RouteSet `digest` with these Plans (by name, see `RouteSet.digests`). Plans and connections that stay are the same objects.

    Raises NotTheSame where the files give other Plans here.
    """
    names = sorted({name.partition(" ")[0] for name in plans})
    changed = set(names) if _regions(files) != _regions(before.files) else _unlike(plans, before, names)
    part = compile(needed(files, changed))
    if wrong := _unlike(plans, part, changed):
        part = compile(files)
        wrong = _unlike(plans, part, changed)
        if wrong:
            raise NotTheSame(wrong, part)
    part = interned(before, part)
    made = {route: part.plans[route] if route in changed else before.plans[route] for route in names}
    regional = {
        route: found
        for route in names
        if (found := (part if route in changed else before).regional.get(route)) is not None
    }
    schemas = {place.name for path in files if (place := place_of(path)) is not None and place.kind == "schema"}
    types = {name: type_ for name, type_ in {**before.types, **part.types}.items() if name in schemas}
    return RouteSet(
        digest=digest,
        plans=made,
        connections=_interned(before, part.connections),
        tables=part.tables,
        types=types,
        files=files,
        mappings={**before.mappings, **part.mappings},
        regional=regional,
    )


def _unlike(plans: Mapping[str, str], given: RouteSet, routes: Collection[str]) -> set[str]:
    """Those of the routes that have other Plans here, in some region or everywhere."""
    names = {name for name, digest in plans.items() if given.digests.get(name) != digest}
    names |= given.digests.keys() - plans.keys()
    return {name.partition(" ")[0] for name in names} & set(routes)


def _regions(files: Files) -> dict[str, bytes]:
    """What decides which Plans there are besides those of the base."""
    kinds = ("scopes", "pack", "overlay")
    return {path: text for path, text in files.items() if (place := place_of(path)) and place.kind in kinds}


def as_recorded(given: RouteSet, digest: str, plans: Mapping[str, str]) -> RouteSet:
    """What a kept revision gives here, under the digests it ran with. For looking at it only."""
    named = {route: structs.replace(plan, digest=plans[route]) for route, plan in given.plans.items() if route in plans}
    return structs.replace(given, digest=digest, plans=named, regional={})


def interned(before: RouteSet, after: RouteSet) -> RouteSet:
    """`after` with the objects of `before` where they are equal, so that what runs on them goes on undisturbed."""
    known = {(plan.route, plan.digest): plan for plan in before.every_plan}

    def kept(plan: Plan) -> Plan:
        return known.get((plan.route, plan.digest), plan)

    plans = {route: kept(plan) for route, plan in after.plans.items()}
    regional = {route: one.with_plans(kept) for route, one in after.regional.items()}
    connections = _interned(before, after.connections)
    return structs.replace(after, plans=plans, regional=regional, connections=connections)


def _interned(before: RouteSet, after: Mapping[str, PlannedConnection]) -> dict[str, PlannedConnection]:
    made = {}
    for name, connection in after.items():
        known = before.connections.get(name)
        made[name] = known if known is not None and known.digest == connection.digest else connection
    return made

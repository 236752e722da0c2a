"""Compiling only what changed: which files a few routes need, and how their Plans join those that stay.

What is needed is told by the words in the files, which takes too much rather than too little; that it was enough is
seen by the digests of the Plans, and where it was not, everything is compiled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Final

from engine.compile.plan import PlannedConnection, RouteSet
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
        super().__init__(f"these routes are compiled differently here: {', '.join(self.routes)}")


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


def _words(content: bytes) -> set[str]:
    found = set()
    for word in _WORD.findall(content):
        text = word.decode("utf-8", "replace").strip("./-")
        found.add(text)
        found.update(text.split("/"))
    return found


def build(files: Files, digest: str, plans: Mapping[str, str], before: RouteSet, compile: Compile) -> RouteSet:
    """The RouteSet `digest` with these Plans (route -> digest). Plans and connections that stay are the same objects.

    Raises NotTheSame where the files give other Plans here.
    """
    changed = {route for route, plan in plans.items() if _digest(before, route) != plan}
    part = compile(needed(files, changed))
    if wrong := {route for route in changed if _digest(part, route) != plans[route]}:
        part = compile(files)
        wrong = {route for route in changed if _digest(part, route) != plans[route]}
        if wrong:
            raise NotTheSame(wrong, part)
    made = {route: part.plans[route] if route in changed else before.plans[route] for route in sorted(plans)}
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
    )


def as_recorded(given: RouteSet, digest: str, plans: Mapping[str, str]) -> RouteSet:
    """What a kept revision gives here, under the digests it ran with. For looking at it only."""
    named = {route: replace(plan, digest=plans[route]) for route, plan in given.plans.items() if route in plans}
    return replace(given, digest=digest, plans=named)


def interned(before: RouteSet, after: RouteSet) -> RouteSet:
    """`after` with the objects of `before` where they are equal, so that what runs on them goes on undisturbed."""
    plans = {
        route: before.plans[route] if _digest(before, route) == plan.digest else plan
        for route, plan in after.plans.items()
    }
    return replace(after, plans=plans, connections=_interned(before, after.connections))


def _interned(before: RouteSet, after: Mapping[str, PlannedConnection]) -> dict[str, PlannedConnection]:
    made = {}
    for name, connection in after.items():
        known = before.connections.get(name)
        made[name] = known if known is not None and known.digest == connection.digest else connection
    return made


def _digest(routeset: RouteSet, route: str) -> str:
    plan = routeset.plans.get(route)
    return plan.digest if plan is not None else ""

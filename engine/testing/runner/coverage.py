"""Coverage of steps and branches: what a project's routes can do, and what its tests made them do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.config.checks import ids_of
from engine.config.project import Project
from engine.core.findings import Mark


@dataclass(frozen=True, slots=True)
class Spot:
    """Something that can happen in a route.

    what   `ran`, or `when true` and `when false`; `branch 1`, `catch`; `selected`, `not selected`
    """

    route: str
    id: str
    what: str

    def __str__(self) -> str:
        return f"{self.route}/{self.id}: {self.what}"


@dataclass(frozen=True)
class RouteCoverage:
    """Coverage of one route. `missing` are the spots no test reached, with their places."""

    route: str
    reached: int
    total: int
    missing: tuple[tuple[Spot, Mark], ...] = ()


class Coverage:
    """Collected while the project is compiled (`expect`) and while cases run (`reach`)."""

    def __init__(self) -> None:
        self._expected: dict[Spot, None] = {}
        self._reached: set[Spot] = set()

    def expect(self, spot: Spot) -> None:
        """This can happen."""
        self._expected.setdefault(spot)

    def reach(self, spot: Spot) -> None:
        """This happened."""
        self._reached.add(spot)

    def of(self, project: Project, routes: Iterable[str]) -> list[RouteCoverage]:
        """By route, in the order given."""
        return [self._of(project, route) for route in routes]

    def _of(self, project: Project, route: str) -> RouteCoverage:
        spots = [spot for spot in self._expected if spot.route == route]
        places = dict(_places(project, route))
        unknown = project.routes[route].document.marks.key(("route",)) if route in project.routes else Mark(route)
        missing = [(spot, places.get(spot.id, unknown)) for spot in spots if spot not in self._reached]
        missing.sort(key=lambda one: (one[1].file, one[1].line, one[1].column))
        return RouteCoverage(route, len(spots) - len(missing), len(spots), tuple(missing))


def percent(parts: Iterable[RouteCoverage]) -> float:
    """Of all spots together, 0 to 100; 100 where there is nothing to reach."""
    known = list(parts)
    total = sum(part.total for part in known)
    return 100.0 * sum(part.reached for part in known) / total if total else 100.0


def _places(project: Project, route: str) -> Iterator[tuple[str, Mark]]:
    """Where the ids of a route and of shared steps are written; the route's own win."""
    documents = [loaded.document for loaded in project.subflows.values()]
    if route in project.routes:
        documents.append(project.routes[route].document)
    for document in documents:
        for name, path in ids_of(document.data.get("steps"), ("steps",)):
            yield name, document.marks.value(path)
        for index, sink in enumerate(document.data.get("to") or []):
            if isinstance(sink, dict) and "id" in sink:
                yield sink["id"], document.marks.value(("to", index, "id"))

"""What a test is about: the route its data enters, those that run besides it, or a mapping."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from engine.config.loaded import Project
from engine.config.models.tests import CaseDoc


@dataclass(frozen=True, slots=True)
class Subject:
    """Either a mapping, or a route. All are names; they may not exist.

    route     the data enters here
    running   every route that runs, `route` first
    chained   several run by the case's wish: sinks are named `route/sink`
    """

    route: str = ""
    mapping: str = ""
    running: tuple[str, ...] = ()
    chained: bool = False


def subject_of(project: Project, path: str, case: CaseDoc) -> Subject:
    """The subject of a case in the file `path`. One that names none is about what its file is named after."""
    if case.mapping is not None:
        return Subject(mapping=case.mapping)
    route = case.route or _named_after(project, path, case)
    if not route and _stem(path) in project.mappings:
        return Subject(mapping=_stem(path))
    others = list(project.routes) if case.routes == "all" else case.routes or ()
    running = tuple(dict.fromkeys(name for name in (route, *others) if name))
    return Subject(route, "", running, case.routes is not None)


def _named_after(project: Project, path: str, case: CaseDoc) -> str:
    if _stem(path) in project.routes:
        return _stem(path)
    return case.routes[0] if isinstance(case.routes, list) and case.routes else ""


def _stem(path: str) -> str:
    return posixpath.basename(path).removesuffix(".test.yaml")

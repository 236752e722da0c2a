"""The tests that a change has to pass before it runs: those of its routes, in the places where they are others now.

As `tillflow test` runs them, on the base and under overlays, only fewer: what runs as before was tested before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice

from engine.compile.diff import BASE
from engine.compile.partial import needed
from engine.compile.regions.choosing import FROM
from engine.config.layout import place_of
from engine.config.project import Project, read_project_from
from engine.core.errors import ConfigError
from engine.plugins.registry import Registry
from engine.testing.runner.chosen import TestCase, all_cases
from engine.testing.runner.project import TestProject
from engine.testing.runner.scoped import Scoped, scopes_of
from engine.testing.runner.session import CaseResult, counts, run_one, run_scope

MOST = 20  # failures that are told; with so many it is refused anyway

Files = Mapping[str, bytes]
Changed = Mapping[str, Collection[str]]  # route -> where it is another one now, see `other_places`


def failures(files: Files, changed: Changed, environ: Mapping[str, str], registry: Registry) -> Iterator[str]:
    """A line for each test of these routes that fails: where it stands, its name, in which scope, and why."""
    whole, _ = read_project_from(files, environ)
    names = {(case.file, case.name) for case in all_cases(whole) if changed.keys() & set(case.subject.running)}
    if not names:
        return
    project = _compiled(whole, names, environ, registry)
    cases = [case for case in all_cases(project.project) if (case.file, case.name) in names]
    failed = (result for case in cases for result in _results(project, case, changed) if not result.passed)
    yield from (_line(result) for result in islice(failed, MOST))
    if next(failed, None) is not None:
        yield f"and more: `tillflow test` runs them all; these are the first {MOST}"


def _results(project: TestProject, case: TestCase, changed: Changed) -> Iterator[CaseResult]:
    if any(BASE in changed.get(route, ()) for route in case.subject.running):
        yield run_one(project, case)
    for scoped in scopes_of(project, case):
        if counts(case, scoped) and _is_other(case, scoped, changed):
            yield run_scope(project, case, scoped)


def _is_other(case: TestCase, scoped: Scoped, changed: Changed) -> bool:
    """Whether something runs otherwise here. Another route of the case has dates of its own: there its packs count."""
    beside = {name.partition(FROM)[0] for route in case.subject.running[1:] for name in changed.get(route, ())}
    return scoped.name in changed.get(case.subject.route, ()) or " ".join(scoped.packs) in beside


def _line(result: CaseResult) -> str:
    mark, scope = result.case.mark, f" in {result.scope}" if result.scope else ""
    place = f"{mark.file}:{mark.line}:{mark.column}"
    return f"{place} test `{result.case.name}` fails{scope}: {result.problems[0]}"


# --- compiling them --------------------------------------------------------------------------------------------------


def _compiled(
    whole: Project, names: Collection[tuple[str, str]], environ: Mapping[str, str], registry: Registry
) -> TestProject:
    """From the files these tests need. Whoever asks has compiled the whole without an error: an error says that more
    are needed than the words in them tell.
    """
    part, found = read_project_from(_subset(whole, {file for file, _ in names}), environ)
    try:
        return TestProject(part, registry, found)
    except ConfigError:
        return TestProject(whole, registry)


def _subset(whole: Project, tests: Collection[str]) -> Files:
    """What the tests in these files run through, with the overlays of that and what overlays say of tests."""
    cases = all_cases(whole)
    through = {route for case in cases if case.file in tests for route in case.subject.running}
    tests = {*tests, *_tests_of(cases, through)}
    left_out = {one.path for one in whole.overlays if one.model.base.partition("@")[0] not in through}
    files = {path: content for path, content in whole.files.items() if path not in left_out}
    beside = {path for path in files if path in tests or ((place := place_of(path)) and place.kind == "case")}
    return {**needed(files, through), **{path: files[path] for path in beside}}


def _tests_of(cases: Sequence[TestCase], routes: Collection[str]) -> set[str]:
    """Files with tests of these routes, which overlays may speak of."""
    return {case.file for case in cases if case.subject.route in routes}

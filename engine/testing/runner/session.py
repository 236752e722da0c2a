"""Running all chosen cases, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from engine.core.clock import iso
from engine.testing.runner.chosen import TestCase
from engine.testing.runner.coverage import RouteCoverage
from engine.testing.runner.givens import Given, read_given
from engine.testing.runner.judge import differences
from engine.testing.runner.mappings import mapping_differences
from engine.testing.runner.project import TestProject
from engine.testing.runner.promises import SEEDS, broken, other_state, state_of
from engine.testing.runner.scoped import Scoped, change_of, on_day, own_cases, scopes_of
from engine.testing.runner.values import BadTest
from engine.testing.runner.world import Happened, run_case

IN_ANY_ORDER = "same_state_in_any_order"


@dataclass(frozen=True)
class CaseResult:
    """How one case ended. `problems` is empty when it passed; `notes` help to see why it did not."""

    case: TestCase
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    scope: str = ""  # where it ran; empty: on the base

    @property
    def passed(self) -> bool:
        return not self.problems


@dataclass
class TestReport:
    """All results, in order, and the coverage of the routes that ran."""

    __test__ = False

    results: list[CaseResult] = field(default_factory=list)
    coverage: list[RouteCoverage] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def failed(self) -> list[CaseResult]:
        return [result for result in self.results if not result.passed]


def run_tests(
    project: TestProject, cases: Sequence[TestCase], routes: Sequence[str], done: Callable[[CaseResult], None]
) -> TestReport:
    """Run these. `routes` are those whose coverage is asked for; `done` is told each result."""
    began, report = time.perf_counter(), TestReport()
    for case in cases:
        result = run_one(project, case)
        report.results += [result, *run_scopes(project, case)]
        done(result)
    report.coverage = project.watch.coverage.of(project.project, routes)
    report.seconds = time.perf_counter() - began
    return report


def run_one(project: TestProject, case: TestCase) -> CaseResult:
    """One case. A case that cannot be run has failed."""
    began = time.perf_counter()
    try:
        problems, notes = _judged(project, case)
    except BadTest as bad:
        problems, notes = [str(bad)], []
    except Exception as error:  # one case must not end the others
        problems, notes = [f"{type(error).__name__}: {error}: a defect of the engine or of a plugin"], []
    scope = case.scope.label if case.scope is not None else ""
    return CaseResult(case, tuple(problems), tuple(notes), time.perf_counter() - began, scope)


def run_scopes(project: TestProject, case: TestCase) -> list[CaseResult]:
    """The case in every scope where it counts."""
    return [run_scope(project, case, scoped) for scoped in scopes_of(project, case) if counts(case, scoped)]


def counts(case: TestCase, scoped: Scoped) -> bool:
    """A promise does under every overlay, an example where an overlay makes another Plan of its route."""
    return _everywhere(case) or scoped.own


def run_scope(project: TestProject, case: TestCase, scoped: Scoped) -> CaseResult:
    """The case in one scope. What an overlay changes of an example, it says."""
    here = replace(own_cases(case, scoped, project.project.files), scope=scoped)
    return run_one(project, here) if _everywhere(case) else _example(project, here, scoped)


def _everywhere(case: TestCase) -> bool:
    return case.doc.kind == "promise" or case.doc.given.every_scope


def _example(project: TestProject, case: TestCase, scoped: Scoped) -> CaseResult:
    """An example of the base under overlays: nothing of it changes but what they say."""
    change = change_of(project, case, scoped)
    if change is None:
        result = run_one(project, case)
        if result.passed:
            return result
        names = " and ".join(scoped.overlays)
        told = f"{names} changes this example; if that is meant, say so in `expects_change`, and what comes of it"
        return replace(result, problems=(told, *result.problems))
    overlay, expecting = change
    result = run_one(project, expecting)
    if result.passed and run_one(project, replace(expecting, scope=None)).passed:
        told = f"`{overlay}` expects a change of this example, and nothing changes: the base does the same"
        return replace(result, problems=(told,))
    return result


def _judged(project: TestProject, case: TestCase) -> tuple[list[str], list[str]]:
    given = read_given(case, project.project.files)
    if case.subject.mapping:
        return mapping_differences(project, case, given), []
    if case.scope is not None and _everywhere(case):
        source = project.routeset.plans[case.subject.route].source
        given = on_day(given, project.routeset.types.get(source.event) or source.accepts, case.scope)
    shape = case.doc.given
    happened = run_case(project, case, given.again(shape.times, shape.shuffle))
    problems = [*happened.problems, *_out_of_date(case, happened), *differences(case, happened)]
    for name in case.doc.invariants:
        problems += broken(name, happened)
    if IN_ANY_ORDER in case.doc.invariants:
        problems += _in_any_order(project, case, given)
    return problems, _notes(happened) if problems else []


def _in_any_order(project: TestProject, case: TestCase, given: Given) -> list[str]:
    """The case once in order against the case shuffled and duplicated."""
    if len(given.documents) + len(given.files) < 2:
        raise BadTest(f"`{IN_ANY_ORDER}` needs several: give `events:` or `files:`")
    expected = state_of(run_case(project, case, given))
    told: list[str] = []
    for seed in SEEDS:
        mixed = run_case(project, case, given.again(max(2, case.doc.given.times), seed))
        told += other_state(expected, state_of(mixed), seed)
    return told


def _out_of_date(case: TestCase, happened: Happened) -> list[str]:
    by = case.doc.review_by
    day = iso(happened.start)[:10]
    return [f"this test was to be reviewed by {by}, and runs on {day}"] if by is not None and day > by else []


def _notes(happened: Happened) -> list[str]:
    """What went wrong inside, for the person who looks at a failure."""
    return [
        f"work item of {item.route}{'/' + item.sink if item.sink else ''}: {item.reason}: {item.detail}"
        for item in happened.work
    ]

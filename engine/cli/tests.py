"""Running tests: test."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli import findings as shown
from engine.cli.output import Exit, Form, FormatOption, err, escape, fail, inline, out, print_json, progress, table
from engine.cli.project import ProjectOption, settings_for
from engine.config import render
from engine.core.errors import ConfigError
from engine.core.findings import Finding
from engine.discover import discover
from engine.settings import Settings
from engine.testing.runner.chosen import TestCase, all_cases, chosen_cases
from engine.testing.runner.coverage import RouteCoverage, percent
from engine.testing.runner.junit import as_junit
from engine.testing.runner.project import TestProject, load_for_tests
from engine.testing.runner.session import CaseResult, TestReport, run_tests


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(test)


def test(
    paths: Annotated[list[Path] | None, typer.Argument(help="Only tests of these files or folders.")] = None,
    project: ProjectOption = None,
    text: Annotated[str, typer.Option("-k", help="Only tests whose name, file, route or mapping holds this.")] = "",
    coverage: Annotated[bool, typer.Option("--coverage", help="Show which steps and branches were reached.")] = False,
    min_coverage: Annotated[
        float, typer.Option("--min-coverage", min=0, max=100, help="Fail below this percentage of steps and branches.")
    ] = 0.0,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write the results as JUnit XML to this file.")] = None,
    form: FormatOption = Form.HUMAN,
) -> None:
    """Run *.test.yaml. No service is needed: sinks are captured, calls are stubbed, time is virtual."""
    settings = settings_for(project)
    if junit is not None and not junit.parent.is_dir():
        fail(f"there is no folder {junit.parent} for {junit.name}", Exit.USAGE, "make it first; no test was run")
    loaded = _loaded(settings, form)
    wanted = [_relative(path, settings.project) for path in paths or []]
    cases = chosen_cases(all_cases(loaded.project), wanted, text)
    if not cases:
        fail("there is no such test", Exit.USAGE, "tests live in routes/<route>.test.yaml; look at paths and -k")
    report = _run(loaded, cases, _covered(loaded, cases, whole=not wanted and not text))
    if junit is not None:
        junit.write_text(as_junit(report), encoding="utf-8")
    reached = percent(report.coverage)
    if form is Form.JSON:
        print_json(_as_dict(report))
    else:
        _print(report, coverage=coverage or bool(min_coverage))
    if reached < min_coverage:
        fail(f"coverage is {reached:.1f} %, below {min_coverage:g} %", help="`--coverage` lists what no test reaches")
    if report.failed:
        raise typer.Exit(int(Exit.FAILED))


def _loaded(settings: Settings, form: Form) -> TestProject:
    """The project; ends with its findings when it has errors."""
    try:
        loaded = load_for_tests(settings, os.environ, discover())
    except ConfigError as error:
        if form is Form.JSON:
            print_json({"findings": [finding.as_dict() for finding in error.findings], "passed": 0, "failed": 0})
        else:
            shown.show(error.findings, sources=error.sources)
            err().print("no test was run: correct these first")
        raise typer.Exit(int(Exit.FAILED)) from None
    _warn(loaded.findings)
    return loaded


def _warn(findings: Sequence[Finding]) -> None:
    if findings:
        err().print(escape(render.as_text(findings, {}).rstrip()))


def _relative(path: Path, root: Path) -> str:
    full = path if path.is_absolute() else Path.cwd() / path
    if not full.exists():
        fail(f"{path} does not exist", Exit.USAGE, "name a file or folder of the project")
    try:
        return full.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        fail(f"{path} is not in the project {root}", Exit.USAGE, "name a file or folder of the project")


def _covered(loaded: TestProject, cases: Sequence[TestCase], *, whole: bool) -> list[str]:
    """Routes whose coverage counts: all, or those the chosen tests are about."""
    if whole:
        return list(loaded.routeset.plans)
    return sorted({route for case in cases for route in case.subject.running})


def _run(loaded: TestProject, cases: Sequence[TestCase], routes: Sequence[str]) -> TestReport:
    with progress() as bar:
        task = bar.add_task("testing", total=len(cases))
        return run_tests(loaded, cases, routes, lambda result: bar.advance(task))


def _print(report: TestReport, *, coverage: bool) -> None:
    console = out()
    for result in report.failed:
        console.print(f"[bold red]FAIL[/] {inline(_place(result))}")
        for line in result.problems:
            console.print(f"  {escape(line)}")
        for line in result.notes:
            console.print(f"  [dim]note: {escape(line)}[/]")
    _print_matrix(report)
    if coverage:
        _print_coverage(report.coverage)
    passed = len(report.results) - len(report.failed)
    told = f"{passed} passed" + (f", {len(report.failed)} failed" if report.failed else "")
    console.print(f"{told} in {report.seconds:.2f} s")


def _place(result: CaseResult) -> str:
    case = result.case
    return f"{case.file}:{case.mark.line}  {case.name}" + (f"  [{result.scope}]" if result.scope else "")


def _print_matrix(report: TestReport) -> None:
    """Tests by scopes, where there are scopes."""
    scopes = list(dict.fromkeys(result.scope for result in report.results if result.scope))
    if not scopes:
        return
    rows: dict[str, dict[str, str]] = {}
    for result in report.results:
        row = rows.setdefault(f"{result.case.subject.route or result.case.subject.mapping}: {result.case.name}", {})
        row[result.scope] = "ok" if result.passed else "FAIL"
    shown = [(name, *(row.get(scope, "") for scope in ("", *scopes))) for name, row in rows.items() if len(row) > 1]
    out().print(table(("", "base", *scopes), shown))


def _print_coverage(parts: Sequence[RouteCoverage]) -> None:
    console = out()
    rows = [(part.route, part.reached, part.total, f"{percent([part]):.0f} %") for part in parts]
    total = (sum(part.reached for part in parts), sum(part.total for part in parts), f"{percent(parts):.0f} %")
    console.print(table(("route", "reached", "of", ""), [*rows, ("all", *total)], right=("reached", "of", "")))
    for part in parts:
        for spot, mark in part.missing:
            console.print(inline(f"  {mark.file}:{mark.line}  {spot.id}: {spot.what}"))


def _as_dict(report: TestReport) -> dict[str, Any]:
    return {
        "passed": len(report.results) - len(report.failed),
        "failed": len(report.failed),
        "tests": [
            {
                "file": result.case.file,
                "line": result.case.mark.line,
                "name": result.case.name,
                "route": result.case.subject.route,
                "mapping": result.case.subject.mapping,
                "scope": result.scope,
                "passed": result.passed,
                "problems": list(result.problems),
                "notes": list(result.notes),
            }
            for result in report.results
        ],
        "coverage": {
            "percent": f"{percent(report.coverage):.1f}",
            "routes": [_route_dict(part) for part in report.coverage],
        },
    }


def _route_dict(part: RouteCoverage) -> dict[str, Any]:
    missing = [{"file": m.file, "line": m.line, "id": spot.id, "what": spot.what} for spot, m in part.missing]
    return {"route": part.route, "reached": part.reached, "total": part.total, "missing": missing}

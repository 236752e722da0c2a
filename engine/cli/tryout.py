"""Trying things out without side effects: eval, dry-run."""

from __future__ import annotations

import asyncio
import difflib
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.app import dry_run as run_dry
from engine.cli.given import given
from engine.cli.output import Exit, Form, FormatOption, err, escape, fail, inline, out, pretty, print_json
from engine.cli.project import ProjectOption, loaded_for, settings_for
from engine.config.nearest import suggestion
from engine.core.errors import Failure, Permanent
from engine.core.jsonx import encode, parse
from engine.core.outcome import Filtered
from engine.discover import discover
from engine.expr.errors import ExpressionError
from engine.expr.jmes import compile_expression
from engine.plugins.functions import functions_of
from engine.runtime.people.dryrun import DryRun, SampleEnv, showable

_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[[0-9]+\])*")
_PART = re.compile(r"([A-Za-z_]\w*)|\[([0-9]+)\]")


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("eval")(eval_)
    app.command("dry-run")(dry_run)


def eval_(
    expression: Annotated[str, typer.Argument(help="A JMESPath expression.")],
    file: Annotated[Path | None, typer.Argument(help="A JSON document. Default: standard input.")] = None,
    form: FormatOption = Form.JSON,
) -> None:
    """Evaluate an expression over a JSON document, exactly as a route would. Tables and parameters are not there.

    The result is JSON; with `--format human` a text is printed bare.
    """
    try:
        expr = compile_expression(expression, functions_of(discover()))
    except ExpressionError as error:
        pointer = " " * error.offset + "^" * max(1, error.length)
        help = error.help or (f"did you mean `{error.suggestion}`?" if error.suggestion else "")
        fail(f"{error.message}\n  {expression}\n  {pointer}", Exit.USAGE, help)
    document = _document(file)
    try:
        result = expr(document, SampleEnv())
    except Failure as failure:
        fail(f"{failure.reason}: {failure.detail}")
    if result is None:
        near = nearest_part(expression, document)
        advice = f"; did you mean `{near}`?" if near else ""
        err().print(escape(f"note: it gives nothing, and a field of a mapping refuses that{advice}"))
    if form is Form.HUMAN and isinstance(result, str):
        out().print(escape(result))
    else:
        print_json(result)


def nearest_part(path: str, document: Any) -> str:
    """Of a plain path (`lines[0].sku`) the name nearest to the first one that is not there; empty: none is near."""
    if not _PATH.fullmatch(path):
        return ""
    value = document
    for name, index in _PART.findall(path):
        if name and (not isinstance(value, dict) or name not in value):
            return suggestion(name, value) if isinstance(value, dict) else ""
        if not name and (not isinstance(value, list) or int(index) >= len(value)):
            return ""
        value = value[name] if name else value[int(index)]
    return ""


def _document(file: Path | None) -> Any:
    raw = given(file)
    try:
        return parse(raw)
    except Permanent as failure:
        where = "standard input" if file is None else str(file)
        fail(f"{where} is not one JSON document: {failure.detail}", Exit.USAGE, "give one JSON value in UTF-8")


def dry_run(
    route: Annotated[str, typer.Argument(help="The route.")],
    file: Annotated[
        Path | None, typer.Argument(help="The event's data, or a native file. Default: standard input.")
    ] = None,
    project: ProjectOption = None,
    form: FormatOption = Form.HUMAN,
) -> None:
    """Run one event (or a till's file) through a route: each step with what it changed, and what would be sent.

    Nothing is sent, written or called; calls to other systems are shown and not made.
    """
    settings = settings_for(project)
    loaded = loaded_for(settings)
    if route not in loaded.routeset.plans:
        near = suggestion(route, loaded.routeset.plans)
        fail(f"there is no route {route!r}", Exit.USAGE, f"did you mean `{near}`?" if near else "see routes/")
    raw = given(file)
    runs = asyncio.run(run_dry(loaded, settings, route, raw, file.name if file else "standard input"))
    if form is Form.JSON:
        print_json({"route": route, "runs": [run.as_dict() for run in runs]})
    else:
        for run in runs:
            _show(run)
    if any(run.failed for run in runs):
        raise typer.Exit(int(Exit.FAILED))


def _show(run: DryRun) -> None:
    console = out()
    console.print(f"[bold]{inline(run.title)}[/]")
    for step in run.steps:
        console.print(f"[cyan]step {escape(step.id)}[/]")
        if isinstance(step.after, Failure):
            console.print(f"  [red]failed[/] {escape(str(step.after))}")
        elif isinstance(step.after, Filtered):
            console.print(f"  [yellow]filtered[/] {escape(step.after.reason)}")
        else:
            for line in _diff(step.before, step.after):
                console.print(f"  {line}")
    _show_end(run)


def _show_end(run: DryRun) -> None:
    console = out()
    if run.failed:
        console.print(f"[red]would become a work item[/]: {escape(run.failed)}")
    elif run.filtered:
        console.print(f"[yellow]would be filtered[/]: {escape(run.filtered)}")
    elif run.kept:
        console.print(f"[cyan]would wait[/]: {escape(run.kept)}")
    for output in run.outputs:
        key = f" [{output.output_key}]" if output.output_key else ""
        console.print(f"[green]would go to {inline(output.sink + key)}[/]\n{escape(pretty(output.body))}")
    if not (run.failed or run.filtered or run.kept or run.outputs):
        console.print("no sink is selected")
    console.print()


def _diff(before: Any, after: Any) -> list[str]:
    before, after = showable(before), showable(after)
    if encode(before) == encode(after):
        return ["[dim]no change[/]"]
    old, new = pretty(before).splitlines(), pretty(after).splitlines()
    lines = list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]
    colours = {"+": "green", "-": "red", "@": "dim"}
    return [f"[{colours[x[0]]}]{escape(x)}[/]" if x[0] in colours else escape(x) for x in lines]

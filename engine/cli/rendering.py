"""Looking at routes in the regions of a project: render."""

from __future__ import annotations

import os
from datetime import date
from typing import Annotated, Any

import typer

from engine.cli import findings as told
from engine.cli.output import Exit, Form, FormatOption, escape, fail, out, print_json
from engine.cli.project import ProjectOption, settings_for
from engine.config.nearest import suggestion
from engine.config.project import Project, read_project
from engine.config.regions.explaining import Change, Leaf, below, changes_of, effective_in, leaves_of
from engine.config.regions.packs import LAYERS, packs_of
from engine.config.regions.working import Effective
from engine.core.clock import SystemClock, day_of
from engine.core.findings import Mark, has_errors
from engine.core.jsonx import encode, normal


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(render)


def render(
    route: Annotated[str, typer.Argument(help="The route.")],
    company: Annotated[str | None, typer.Option(help="The company.")] = None,
    country: Annotated[str | None, typer.Option(help="The country, as scopes.yaml gives it: DE.")] = None,
    state: Annotated[str | None, typer.Option(help="The state.")] = None,
    brand: Annotated[str | None, typer.Option(help="The brand.")] = None,
    store_group: Annotated[str | None, typer.Option(help="The group of stores.")] = None,
    on: Annotated[str | None, typer.Option("--on", help="The business date, 2027-01-01. Default: today.")] = None,
    origins: Annotated[bool, typer.Option("--origins", help="Where each value was written, what it replaced.")] = False,
    path: Annotated[str, typer.Option("--path", help="Only this and what is below: steps.totals, params.")] = "",
    diff: Annotated[bool, typer.Option("--diff", help="Only what differs from the base.")] = False,
    project: ProjectOption = None,
    form: FormatOption = Form.HUMAN,
) -> None:
    """Show a route as it runs in a scope: the base with the overlays of every pack that applies. Needs no service."""
    settings = settings_for(project)
    loaded, found = read_project(settings.project, os.environ)
    if route not in loaded.routes:
        if has_errors(found):
            told.show(found, sources=loaded.files)
        near = suggestion(route, loaded.routes)
        fail(f"there is no route {route!r}", Exit.USAGE, f"did you mean `{near}`?" if near else "see routes/")
    given = zip(LAYERS, (company, country, state, brand, store_group), strict=True)
    values = {layer: value for layer, value in given if value is not None}
    _check_values(loaded, values)
    effective, packs, more = effective_in(loaded, route, values, _day(on))
    if has_errors(more):
        told.show(more, sources=loaded.files)
        raise typer.Exit(int(Exit.FAILED))
    if diff:
        _show_diff(
            effective, packs, [one for one in changes_of(effective) if not path or one.path.startswith(path)], form
        )
        return
    leaves = leaves_of(effective)
    if path:
        leaves = below(leaves, path)
        if not leaves:
            fail(f"there is nothing at {path!r} in {route}", Exit.USAGE, "leave --path out to see all paths")
    _show(effective, packs, leaves, form, origins=origins)


def _day(on: str | None) -> str:
    if on is None:
        return day_of(SystemClock().now())
    try:
        return date.fromisoformat(on).isoformat()
    except ValueError:
        fail(f"{on!r} is not a date", Exit.USAGE, "write --on 2027-01-01")


def _check_values(project: Project, values: dict[str, str]) -> None:
    """A country without a pack has no Plan: its events wait for a person."""
    packs = packs_of(project)
    for layer, value in values.items():
        known = sorted({pack.wants[layer] for pack in packs if layer in pack.wants})
        if layer == "country" and packs and value not in known:
            near = suggestion(value, known)
            advice = f"did you mean `{near}`?" if near else f"there are packs for {', '.join(known)}"
            fail(
                f"there is no pack for country {value}: its events become work items unknown-scope", Exit.FAILED, advice
            )


def _show(effective: Effective, packs: list[str], leaves: list[Leaf], form: Form, *, origins: bool) -> None:
    if form is Form.JSON:
        values = [{"path": leaf.path, "value": leaf.value, **(_origin(leaf) if origins else {})} for leaf in leaves]
        print_json({**_head(effective, packs), "values": values})
        return
    console = out()
    for leaf in leaves:
        line = f"{leaf.path}: {_text(leaf.value)}"
        if origins:
            was = "".join(f", was {_text(value)} at {_at(mark)}" for value, mark in leaf.was)
            line += f"   # {_at(leaf.mark)}{was}"
        console.print(escape(line), soft_wrap=True)
    for gone in effective.gone if origins else ():
        console.print(escape(f"{gone.id}: disabled: {gone.reason.value}   # {_at(gone.reason.mark)}"), soft_wrap=True)


def _show_diff(effective: Effective, packs: list[str], changes: list[Change], form: Form) -> None:
    if form is Form.JSON:
        print_json({**_head(effective, packs), "changes": [_change(one) for one in changes]})
        return
    console = out()
    if not changes:
        console.print("the base runs here: nothing is different")
    signs = {"added": "+", "removed": "-", "changed": "~"}
    for one in changes:
        value = {"added": _text(one.value), "removed": f"disabled: {one.why}"}.get(
            one.kind, f"{_text(one.before)} -> {_text(one.value)}"
        )
        console.print(escape(f"{signs[one.kind]} {one.path}: {value}   # {_at(one.mark)}"), soft_wrap=True)


def _head(effective: Effective, packs: list[str]) -> dict[str, Any]:
    return {
        "route": effective.route.model.route,
        "packs": packs,
        "overlays": list(effective.overlays),
        "disabled": [
            {"id": gone.id, "reason": gone.reason.value, "origin": _at(gone.reason.mark)} for gone in effective.gone
        ],
    }


def _origin(leaf: Leaf) -> dict[str, Any]:
    return {"origin": _at(leaf.mark), "was": [{"value": value, "origin": _at(mark)} for value, mark in leaf.was]}


def _change(one: Change) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "path": one.path,
        "value": one.value,
        "before": one.before,
        "why": one.why,
        "origin": _at(one.mark),
    }


def _at(mark: Mark) -> str:
    return f"{mark.file}:{mark.line}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else encode(normal(value)).decode()

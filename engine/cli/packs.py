"""The region packs of a project: packs list|show."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli import findings as told
from engine.cli.output import Exit, Form, FormatOption, err, escape, fail, out, print_json, table
from engine.cli.project import ProjectOption, settings_for
from engine.config.nearest import suggestion
from engine.config.project import read_project
from engine.config.regions.describing import described
from engine.core.findings import has_errors
from engine.core.visible import visible

packs = typer.Typer(help="Region packs of the project: which there are, and what they cover.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(packs, name="packs")


@packs.command("list")
def list_(project: ProjectOption = None, form: FormatOption = Form.HUMAN) -> None:
    """Every pack: for whom it is, its mode and residency, and when somebody looks at its rules again."""
    _, found = _read(project)
    if form is Form.JSON:
        print_json({"packs": found})
        return
    if not found:
        err().print("there is no pack: every event runs the base. A pack is routes/regions/<code>/pack.yaml")
        return
    cells = [
        (one["pack"], _for(one), one["mode"] or "-", one["residency"] or "-", one["review_by"] or "-", one["summary"])
        for one in found
    ]
    out().print(table(("pack", "for", "mode", "residency", "review by", "summary"), cells))


@packs.command()
def show(
    code: Annotated[str, typer.Argument(help="A pack, as `tillflow packs list` names it.")],
    project: ProjectOption = None,
    form: FormatOption = Form.HUMAN,
) -> None:
    """The page of a pack: its rule, what it covers and what not; then what its files say, with dates and references."""
    root, found = _read(project)
    known = {one["pack"]: one for one in found}
    if code not in known:
        near = suggestion(code, known)
        advice = f"did you mean `{near}`?" if near else "see `tillflow packs list`"
        fail(f"there is no pack {code!r}", Exit.USAGE, advice)
    page = _page(root, code)
    if form is Form.JSON:
        print_json({**known[code], "page": page})
        return
    sys.stdout.write(visible("\n\n".join(filter(None, (page.strip(), _facts(known[code])))) + "\n", keep="\n\t"))
    if not page:
        err().print(escape(f"it has no page; write routes/regions/{code}/README.md"))


def _read(project: Path | None) -> tuple[Path, list[dict[str, Any]]]:
    """The project's folder and its packs. What cannot be read is told: it may be one of them."""
    settings = settings_for(project)
    loaded, findings = read_project(settings.project, os.environ)
    if has_errors(findings):
        told.show(findings, sources=loaded.files)
        raise typer.Exit(int(Exit.FAILED))
    return settings.project, described(loaded)


def _page(root: Path, code: str) -> str:
    try:
        return (root / "routes" / "regions" / code / "README.md").read_text("utf-8")
    except FileNotFoundError:
        return ""


def _for(pack: dict[str, Any]) -> str:
    return ", ".join(pack["for"].values())


def _facts(pack: dict[str, Any]) -> str:
    """What the files of the pack say, as the end of its page."""
    head = [
        ("for", ", ".join(f"{layer} {value}" for layer, value in pack["for"].items())),
        ("owner", pack["owner"]),
        ("mode", pack["mode"] or "none"),
        ("residency", pack["residency"] or "that of the country"),
        ("review by", pack["review_by"] or "nobody said"),
        ("routes of its own", ", ".join(pack["routes"]) or "none"),
    ]
    rules = [rule for said in (pack, *pack["overlays"]) for rule in said["legal"]]
    lines = [*(f"- {name}: {value}" for name, value in head), *map(_overlay, pack["overlays"]), *map(_rule, rules)]
    return "\n".join(["## What its files say", "", *dict.fromkeys(lines)])


def _overlay(overlay: dict[str, Any]) -> str:
    days = [f"{word} {overlay[key]}" for word, key in (("from", "since"), ("until", "until")) if overlay[key]]
    return f"- `{overlay['overlay']}` over {overlay['base']}, {' '.join(days) or 'on every day'}"


def _rule(rule: dict[str, str]) -> str:
    return f"- rule: {rule['ref']}" + (f" (review by {rule['review_by']})" if rule["review_by"] else "")

"""Plugins: connectors list|show, new connector."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.output import Exit, Form, FormatOption, err, escape, fail, out, print_json, table
from engine.config.nearest import suggestion
from engine.discover import discover
from engine.plugins import reference

connectors = typer.Typer(help="Installed connectors.", no_args_is_help=True)
new = typer.Typer(help="Start something new.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(connectors, name="connectors")
    app.add_typer(new, name="new")


@connectors.command("list")
def list_(form: FormatOption = Form.HUMAN) -> None:
    """Every installed connector and what it offers, and those that cannot be used with the reason."""
    rows = reference.listing(discover())
    if form is Form.JSON:
        print_json({"connectors": rows})
        return
    cells = [(r["name"], r["version"], r["summary"], ", ".join(_short(r))) for r in rows if r["state"] == "ok"]
    out().print(table(("connector", "version", "summary", "offers"), cells))
    for row in rows:
        if row["state"] != "ok":
            err().print(f"[yellow]{row['state']}[/] {escape(row['name'])}: {escape(row['summary'])}")


def _short(row: dict[str, Any]) -> list[str]:
    """`sink core.sql` of core.sql is `sink`."""
    return [str(offer).removesuffix(f" {row['name']}") for offer in row["offers"]]


@connectors.command()
def show(
    name: Annotated[str, typer.Argument(help="A connector, format, step type, function or auth scheme.")],
    form: FormatOption = Form.HUMAN,
) -> None:
    """The reference of one plugin: fields, defaults, guarantees and an example."""
    registry = discover()
    known = reference.names(registry)
    if name not in known:
        if why := registry.unusable(None, name):
            fail(f"{name} is installed and cannot be used", Exit.FAILED, why)
        near = suggestion(name, known)
        help = f"did you mean `{near}`?" if near else "see `tillflow connectors list`"
        fail(f"no installed plugin is called {name}", Exit.USAGE, help)
    if form is Form.JSON:
        print_json(reference.describe(registry, name))
    else:
        sys.stdout.write(reference.page(registry, name))


@new.command()
def connector(
    name: Annotated[str, typer.Argument(help="Its name, for example erp.acme.")],
    folder: Annotated[Path, typer.Option("--into", help="Where the package is laid down.")] = Path("."),
    form: FormatOption = Form.HUMAN,
) -> None:
    """Lay down a connector package of its own: client, source, sink, fake, example and tests that run the contract kit."""
    from engine.cli.scaffold import connector_files

    try:
        files = connector_files(name)
    except ValueError as error:
        fail(str(error), Exit.USAGE, "write lower case words, namespaces joined by dots: erp.acme")
    if name in discover().connectors:
        fail(
            f"a connector called {name} is installed already",
            Exit.USAGE,
            f"choose another name, or see it with `tillflow connectors show {name}`",
        )
    root = folder / f"tillflow-{name.replace('.', '-').replace('_', '-')}"
    if root.exists():
        fail(f"{root} exists already", Exit.USAGE, "choose another name or --into")
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    if form is Form.JSON:
        print_json({"folder": str(root), "files": len(files)})
        return
    err().print(escape(f"laid down {len(files)} files in {root}; next: pip install -e {root} pytest && pytest {root}"))

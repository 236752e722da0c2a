"""Checking files: validate, fmt, schema."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel

from engine.cli import findings as shown
from engine.cli.output import (
    Exit,
    FindingForm,
    FindingFormatOption,
    Form,
    FormatOption,
    err,
    escape,
    fail,
    inline,
    print_json,
)
from engine.cli.project import ProjectOption, settings_for
from engine.config.fmt import format_text
from engine.config.models import (
    ConnectionsDoc,
    MappingDoc,
    OverlayDoc,
    PackDoc,
    RouteDoc,
    ScopesDoc,
    SubflowDoc,
    TablesDoc,
    TestsDoc,
)
from engine.config.regions.checks import overdue
from engine.core.clock import SystemClock
from engine.core.findings import Finding, has_errors, in_order
from engine.discover import discover
from engine.loading import load
from engine.plugins import reference
from engine.plugins.describe import incomplete
from engine.plugins.schema import file_schemas

KINDS: dict[str, type[BaseModel]] = {
    "route": RouteDoc,
    "subflow": SubflowDoc,
    "mapping": MappingDoc,
    "connections": ConnectionsDoc,
    "tables": TablesDoc,
    "scopes": ScopesDoc,
    "pack": PackDoc,
    "overlay": OverlayDoc,
    "tests": TestsDoc,
}

_HOW_FOUND = """\
An editor with the YAML language server finds the one of a file by the file's first line:
  # yaml-language-server: $schema=../.tillflow/route.schema.json
The path is relative to the file (in routes/regions/<code>/ it begins with ../../../.tillflow/); the name is the kind of file."""

PathsArgument = Annotated[list[Path] | None, typer.Argument(help="Only findings of these files or folders.")]


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(validate)
    app.command()(fmt)
    app.command()(schema)


def validate(
    paths: PathsArgument = None,
    project: ProjectOption = None,
    form: FindingFormatOption = FindingForm.HUMAN,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
) -> None:
    """Check every file of the project: all findings in one run, each with its place and what to do. Needs no service."""
    settings = settings_for(project)
    started = time.perf_counter()
    loaded = load(settings)
    late = overdue(loaded.project, SystemClock())
    found = _below(in_order([*loaded.findings, *late]), paths or [], settings.project)
    shown.show(found, form, loaded.sources)
    if form is FindingForm.HUMAN:
        shown.summary(found, len(loaded.sources), time.perf_counter() - started)
    if has_errors(found) or (strict and found):
        raise typer.Exit(int(Exit.FAILED))


def _below(findings: list[Finding], paths: list[Path], root: Path) -> list[Finding]:
    if not paths:
        return findings
    wanted: list[str] = []
    for path in paths:
        full = path if path.is_absolute() else (Path.cwd() / path)
        if not full.exists():
            fail(f"{path} does not exist", Exit.USAGE, "name a file or folder of the project")
        try:
            wanted.append(full.resolve().relative_to(root.resolve()).as_posix())
        except ValueError:
            fail(f"{path} is not in the project {root}", Exit.USAGE, "name a file or folder of the project")
    return [f for f in findings if any(w == "." or f.mark.file == w or f.mark.file.startswith(f"{w}/") for w in wanted)]


def fmt(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders. Default: routes/ and mappings/.")
    ] = None,
    project: ProjectOption = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 when a file would change.")] = False,
    form: FormatOption = Form.HUMAN,
) -> None:
    """Write YAML files in the one canonical form. Data, comments and the order of keys stay as they are."""
    root = settings_for(project).project
    files = list(_yaml_files(paths or [root / "routes", root / "mappings"]))
    changed = [path for path in files if _formatted(path, write=not check)]
    if form is Form.JSON:
        print_json({"files": len(files), "would_change" if check else "changed": [str(path) for path in changed]})
        if check and changed:
            raise typer.Exit(int(Exit.FAILED))
        return
    for path in changed:
        err().print(inline(f"{'would change' if check else 'changed'} {path}"))
    if check and changed:
        fail(f"{len(changed)} of {len(files)} files are not in canonical form", help="run `tillflow fmt`")


def _formatted(path: Path, *, write: bool) -> bool:
    """True for a file that is not in canonical form; it is, afterwards, with `write`."""
    try:
        before = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        fail(f"{path} is not UTF-8 text", Exit.USAGE, "save it as UTF-8")
    after = format_text(before)
    if write and after != before:
        path.write_text(after, encoding="utf-8", newline="")
    return after != before


def _yaml_files(paths: list[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += [p for p in sorted(path.rglob("*.yaml")) if p.is_file()]
        elif path.is_file():
            files.append(path)
        else:
            fail(f"{path} does not exist", Exit.USAGE, "name YAML files or folders that hold some")
    return files


def schema(
    kind: Annotated[str, typer.Argument(help="route, mapping, connections, tables, ... Empty: all of them.")] = "",
    project: ProjectOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Build the schemas and the reference; print only problems.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="Write them to .tillflow/ for the editor.")] = False,
    form: FormatOption = Form.HUMAN,
) -> None:
    """JSON Schema of the project's files, built from the installed plugins: for completion and checks in an editor."""
    if check and write:
        fail("--check and --write were both given", Exit.USAGE, "give one of them: --check writes nothing")
    if kind and (check or write):
        fail(f"{kind} goes with neither --check nor --write", Exit.USAGE, "leave it out: both are about all kinds")
    registry = discover()
    gaps = incomplete(registry)
    made = file_schemas(registry, KINDS)
    if check:
        reference.pages(registry)
        if form is Form.JSON:
            print_json({"gaps": gaps})
        for text in gaps if form is Form.HUMAN else ():
            err().print(escape(text))
        if gaps:
            fail(f"{len(gaps)} gaps in the reference of installed plugins")
        return
    if write:
        folder = settings_for(project).project / ".tillflow"
        folder.mkdir(exist_ok=True)
        for name, document in made.items():
            (folder / f"{name}.schema.json").write_bytes(_pretty(document))
        if form is Form.JSON:
            print_json({"folder": str(folder), "files": len(made)})
        else:
            err().print(inline(f"wrote {len(made)} schemas to {folder}"))
            err().print(escape(_HOW_FOUND))
        return
    if kind and kind not in made:
        fail(f"there is no schema for {kind!r}", Exit.USAGE, "one of " + ", ".join(made))
    print_json(made[kind] if kind else made)


def _pretty(document: object) -> bytes:
    from engine.cli.output import pretty

    return pretty(document).encode() + b"\n"

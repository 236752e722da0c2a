"""Files of the project that are other than what runs: what `status` says of them, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.cli.output import inline, out

MOST_ERRORS = 5


def show_files(answer: Mapping[str, Any]) -> None:
    """Nothing where the files are what runs, or where it is not known."""
    files = answer.get("files")
    if not files or not files["differ"]:
        return
    console, standing = out(), answer["revisions"] or {}
    active = standing.get("active")
    runs = f" (revision {active['number']})" if active else ""
    console.print(f"\n[bold]the files differ from what runs[/]{runs}")
    for error in files["errors"][:MOST_ERRORS] if not standing.get("last_error") else ():
        console.print(inline(f"  {error}"))
    console.print(inline(f"  {files['next']}"))


def here_only(files: dict[str, Any], project: Path) -> None:
    """Of files in another folder nothing is told: the engine of this state folder runs that project, not this one."""
    if files["differ"] and Path(files["project"]).resolve() != project.resolve():
        files["differ"], files["why"] = None, f"the engine of this state folder runs the project {files['project']}"


def next_step(answer: Mapping[str, Any]) -> str:
    """What becomes of files that differ, and what a person can do about it; empty where they do not."""
    files, standing = answer["files"], answer["revisions"] or {}
    error = standing.get("last_error")
    if not files["differ"]:
        return ""
    if files["errors"]:
        until = "what runs goes on" if answer["running"] else "the next start runs what ran before"
        return f"they have errors, and {until}; correct them: `tillflow validate` shows every finding"
    if error and error.get("next_try"):
        return "they wait, as told above, and are tried again by themselves; `tillflow plan` says what they change"
    if error:
        return "they were not taken, as told above; correct and save them, or try again with `tillflow apply`"
    if files["refused"]:
        more = "save another edit, or have these run with `tillflow apply`; `tillflow plan` says what they change"
        return f"they were not taken: {files['refused']}; {more}"
    if not answer["running"]:
        return "the next start takes them; `tillflow plan` says what they change"
    if files["watched"]:
        return "a save is picked up by itself, within seconds; `tillflow plan` says what it changes"
    return "`tillflow plan` says what they change, `tillflow apply` has them run"

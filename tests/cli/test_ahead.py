"""What `status` says of files that are other than what runs: what becomes of them, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.cli.ahead import here_only, next_step, show_files

ERROR = {"at": "2026-03-14T12:00:00Z", "text": "not taken", "problems": ["a"]}


def answer(*, running: bool = True, error: dict[str, Any] | None = None, **files: Any) -> dict[str, Any]:
    told = {"differ": True, "errors": [], "refused": "", "watched": True, "project": "/shop", **files}
    standing = {"active": {"number": 7}, "last_error": error}
    made: dict[str, Any] = {"running": running, "files": told, "revisions": standing}
    told["next"] = next_step(made)
    return made


@pytest.mark.parametrize(
    ("made", "part"),
    [
        (answer(), "picked up by itself"),
        (answer(watched=False), "`tillflow apply` has them run"),
        (answer(running=False, watched=None), "the next start takes them"),
        (answer(watched=None), "`tillflow apply` has them run"),
        (answer(errors=["routes/a.yaml:3:1 TF1"]), "what runs goes on; correct them: `tillflow validate`"),
        (answer(errors=["routes/a.yaml:3:1 TF1"], running=False), "the next start runs what ran before"),
        (answer(error=ERROR), "try again with `tillflow apply`"),
        (answer(error={**ERROR, "next_try": "2026-03-14T12:01:00Z"}), "are tried again by themselves"),
        (answer(refused="3 of the first 3 events"), "they were not taken: 3 of the first 3 events; save another edit"),
    ],
)
def test_each_way_they_can_differ_has_its_next_step(made: dict[str, Any], part: str) -> None:
    assert part in made["files"]["next"]


def test_files_that_are_what_runs_and_those_of_another_project_are_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    other = answer()
    here_only(other["files"], Path("/elsewhere"))
    other["files"]["next"] = next_step(other)

    show_files(answer(differ=False))
    show_files(answer(differ=None))
    show_files(other)

    assert capsys.readouterr().out == "" and "/shop" in other["files"]["why"]


def test_findings_stand_in_it_where_no_edit_was_told_above(capsys: pytest.CaptureFixture[str]) -> None:
    show_files(answer(errors=["routes/a.yaml:3:1 TF1101 no"]))
    assert "revision 7" in (told := capsys.readouterr().out) and "routes/a.yaml:3:1 TF1101 no" in told
    show_files(answer(errors=["routes/a.yaml:3:1 TF1101 no"], error=ERROR))
    assert "TF1101" not in capsys.readouterr().out

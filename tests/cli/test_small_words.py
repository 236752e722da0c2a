"""What a newcomer reads first: pages of the language, the version, counts, units, and lines that can be typed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from engine import __version__
from engine.cli.started import started_as
from engine.cli.status import _measured
from engine.config.models.route import RouteDoc
from engine.config.models.schema import IdentityDoc
from engine.core.wording import counted, with_article
from engine.plugins.describe import fields_of
from tests.cli.conftest import Tillflow

PAGES = ("route", "schemas", "tables", "connections", "tests", "expect", "key", "effect", "overlays", "plain")


@pytest.mark.parametrize("topic", PAGES)
def test_parts_of_a_project_have_pages(tillflow: Tillflow, topic: str) -> None:
    assert tillflow("explain", topic).out.startswith("# ")
    assert f"explain {topic}\n" in tillflow("explain").out


def test_pages_list_the_keys_of_the_models(tillflow: Tillflow) -> None:
    route, schemas = tillflow("explain", "route").out, tillflow("explain", "schemas").out

    assert all(f"| `{f.path}` |" in route for f in fields_of(RouteDoc) if not f.path.startswith("steps[]."))
    assert all(f"| `x-tillflow.{f.path}` |" in schemas for f in fields_of(IdentityDoc))


def test_other_words_lead_to_the_same_page(tillflow: Tillflow) -> None:
    assert tillflow("explain", "plain route").out == tillflow("explain", "plain").out
    assert tillflow("explain", "x-tillflow").out == tillflow("explain", "schemas").out


def test_the_page_on_mappings_says_what_output_does_not_do(tillflow: Tillflow) -> None:
    assert "sent as the mapping makes it" in tillflow("explain", "mappings").out


@pytest.mark.parametrize(("step", "field"), [("check", "`[].that`"), ("validate", "the value"), ("map", "the value")])
def test_a_step_that_is_one_value_or_a_list_has_its_fields(tillflow: Tillflow, step: str, field: str) -> None:
    said = tillflow("explain", step).out

    assert field in said
    assert "No fields." not in said


def test_defaults_are_shown_as_they_are_written(tillflow: Tillflow) -> None:
    sql, files, http = (tillflow("connectors", "show", name).out for name in ("core.sql", "core.files", "core.http"))

    assert "default `800d`" in sql
    assert "default `64MiB`" in files
    assert "default `false`" in http
    assert not re.search(r"default ``|e\+\d\d", sql + files + http)


def test_a_name_that_is_taken_is_not_suggested(tillflow: Tillflow, tmp_path: Path) -> None:
    said = tillflow("new", "connector", "core.files", "--into", tmp_path)

    assert said.code == 2
    assert "erp.acme" not in said.err


def test_the_version(tillflow: Tillflow) -> None:
    said = tillflow("--version")

    assert (said.code, said.out) == (0, f"tillflow {__version__}\n")


def test_counts_and_articles() -> None:
    assert [counted(n, "route") for n in (0, 1, 2)] == ["0 routes", "1 route", "2 routes"]
    assert [with_article(n) for n in ("overlay", "route", "tests")] == ["an overlay", "a route", "tests"]


def test_an_overlay_in_the_wrong_place_is_an_overlay(tillflow: Tillflow, project: Path) -> None:
    (project / "routes" / "es.yaml").write_text("tillflow: 1\noverlay: es-x\nbase: post-sales@^1\n", "utf-8")

    assert "describes an overlay, and stands where a route" in tillflow("validate", "--project", project).out


def test_a_schema_file_without_its_version_is_to_be_renamed(tillflow: Tillflow, project: Path) -> None:
    (project / "mappings" / "schemas" / "signup.yaml").write_text("$id: signup@1\ntype: object\n", "utf-8")

    findings = tillflow("validate", "--project", project, "--format", "json").json["findings"]

    assert [f["help"] for f in findings if f["code"] == "TF9002"] == [
        "rename the file to `signup@1.yaml`: its name says the version too"
    ]


def test_a_misspelt_connection_is_told_before_what_follows_from_it(tillflow: Tillflow, project: Path) -> None:
    route = project / "routes" / "post-sales.yaml"
    route.write_text(route.read_text("utf-8").replace("connection: office", "connection: offise"), "utf-8")

    said = tillflow("validate", "--project", project).out

    assert 0 <= said.index("error[TF3001]") < said.index("warning[TF3023]")


def test_promises_have_units() -> None:
    shown = [
        _measured("latency_p95", 2.5),
        _measured("success", 0.999),
        _measured("at_least", 1),
        _measured("at_most", 9),
    ]

    assert shown == ["2.5 s", "99.9 %", "1 event", "9 events"]


def test_a_command_is_told_as_it_was_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "tillflow"
    program.write_text("#!/bin/sh\n", "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "argv", [str(program)])
    assert started_as() == [str(program)]

    monkeypatch.setenv("PATH", str(folder))
    assert started_as() == ["tillflow"]

    monkeypatch.setattr(sys, "argv", ["/somewhere/engine/cli/__main__.py"])
    assert shlex.join(started_as()) == shlex.join([sys.executable, "-m", "engine.cli"])


def test_a_line_for_another_folder_names_the_whole_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "argv", [".venv/bin/tillflow"])

    assert started_as() == [".venv/bin/tillflow"]
    assert started_as(elsewhere=True) == [str(tmp_path / ".venv/bin/tillflow")]


def test_what_init_says_is_next_can_be_typed_as_it_stands(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "engine.cli", "init", "a shop"]
    environ = {**os.environ, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])}
    told = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True).stderr
    lines = [line.strip() for line in told.splitlines() if line.startswith("  ")]
    assert [shlex.split(line)[-1] for line in lines] == ["a shop", "validate", "test", "run", "status"]

    typed = subprocess.run(
        " && ".join(lines[:3]), shell=True, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert typed.returncode == 0, typed.stderr


def test_init_here_needs_no_other_folder(tillflow: Tillflow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    assert "cd " not in tillflow("init", ".").err

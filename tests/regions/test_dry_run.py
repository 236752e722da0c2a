"""A dry run takes the Plan of the event's scope."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.app import dry_run
from engine.backends.secrets import DictSecrets
from engine.compile.compiler import compile_project
from engine.config.project import read_project
from engine.core.jsonx import encode
from engine.loading import Loaded
from engine.runtime.people.dryrun import DryRun
from engine.settings import Settings
from tests.regions.site import SITE, registry, sold


def dry(folder: Path, files: Mapping[str, str], sale: dict[str, Any]) -> DryRun:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    project, _ = read_project(folder, os.environ)
    plugins = registry()
    routes, found = compile_project(project, plugins, DictSecrets({}))
    loaded = Loaded(project, plugins, routes, found)
    (run,) = asyncio.run(dry_run(loaded, Settings.read({}, folder), "posting", encode(sale), "sale"))
    return run


def test_it_runs_as_its_country_says(tmp_path: Path) -> None:
    run = dry(tmp_path, SITE, sold("1", "B", "ES"))
    assert run.title == "event under es-posting"
    assert [output.sink for output in run.outputs] == ["erp"]
    assert "taxed" in [step.id for step in run.steps]


def test_the_base_runs_elsewhere(tmp_path: Path) -> None:
    run = dry(tmp_path, SITE, sold())
    assert run.title == "event" and [output.sink for output in run.outputs] == ["erp", "notes"]


def test_a_country_nobody_knows(tmp_path: Path) -> None:
    assert dry(tmp_path, SITE, sold("1", "U", "US")).failed.startswith("unknown-scope: there is no pack for country US")

"""The README is run: its commands in order, its YAML in the project `init` lays down, its Python through the registry."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.app import load
from engine.core.jsonx import decode
from engine.plugins.describe import incomplete
from engine.plugins.registry import Registry
from engine.plugins.spec import Connector
from engine.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


class Block(NamedTuple):
    kind: str
    text: str


BLOCKS = [
    Block(*found) for found in re.findall(r"^```(\w*)\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.M | re.S)
]


def blocks(kind: str) -> list[str]:
    return [block.text for block in BLOCKS if block.kind == kind]


def tillflow(*arguments: str, folder: Path, code: int = 0) -> str:
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "engine.cli", *arguments]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    tillflow("init", "my-shop", folder=folder)
    return folder / "my-shop"


def test_every_kind_of_block_is_known() -> None:
    assert {block.kind for block in BLOCKS} <= {"sh", "console", "yaml", "python", ""}


def test_make_targets_exist() -> None:
    targets = {target for text in blocks("sh") for target in re.findall(r"^make (\w+)", text, re.M)}
    makefile = (ROOT / "Makefile").read_text("utf-8")

    assert targets == {"demo", "test"}
    assert all(re.search(rf"^{target}:", makefile, re.M) for target in targets)


def test_the_first_commands_do_what_the_readme_says(started: Path) -> None:
    tillflow("validate", folder=started)
    tillflow("test", folder=started)
    _run_until(started, "data/posted/2026-03-14-0012-03-1002.json")

    status = tillflow("status", folder=started)
    trace = tillflow("trace", "receipt=1001", folder=started)
    waiting = tillflow("work", "list", folder=started)

    assert "post-sales" in status
    assert "applied" in trace
    assert "unknown-sku" in waiting


def _run_until(folder: Path, file: str) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    engine = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", "run"], cwd=folder, env=environ, stderr=subprocess.PIPE
    )
    until = time.monotonic() + 30
    while not (folder / file).exists() and time.monotonic() < until and engine.poll() is None:
        time.sleep(0.05)
    time.sleep(0.5)
    engine.send_signal(signal.SIGTERM)
    _, log = engine.communicate(timeout=30)
    assert engine.returncode == 0, log
    assert (folder / file).exists(), log


def test_the_first_route_is_the_one_init_lays_down(started: Path) -> None:
    (route,) = [text for text in blocks("yaml") if "\nroute:" in text]

    assert (started / "routes" / "post-sales.yaml").read_text("utf-8") == route


def test_the_test_in_the_readme_passes(started: Path) -> None:
    (text,) = [text for text in blocks("yaml") if "\ntests:" in text]
    file = started / "routes" / "post-sales.test.yaml"
    before = file.read_text("utf-8")
    file.write_text(text, "utf-8")
    try:
        tillflow("validate", folder=started)
        told = decode(tillflow("test", "--format", "json", "routes/post-sales.test.yaml", folder=started))
        assert (told["passed"], told["failed"]) == (text.count("- name:"), 0)
    finally:
        file.write_text(before, "utf-8")


def test_the_finding_in_the_readme_is_what_validate_says(started: Path) -> None:
    (console,) = [text for text in blocks("console") if "error[TF2020]" in text]
    route = started / "routes" / "post-sales.yaml"
    before = route.read_text("utf-8")
    route.write_text(before.replace("'amount') == total", "'amuont') == total"), "utf-8")
    try:
        told = tillflow("validate", folder=started, code=1)
    finally:
        route.write_text(before, "utf-8")

    for line in console.splitlines():
        if not line.startswith("$"):
            assert line.strip() in told


def _yaml(key: str) -> str:
    (text,) = [text for text in blocks("yaml") if f"\n{key}:" in text]
    return text


def test_the_overlay_fits_the_shipped_route_and_its_tests(tmp_path: Path) -> None:
    for name in ("routes", "mappings"):
        shutil.copytree(ROOT / name, tmp_path / name)
    regions = tmp_path / "routes" / "regions"
    for shipped in ("es", "es-pv"):  # the country in the README is in the place of what ships for it
        shutil.rmtree(regions / shipped)
    region = regions / "es"
    region.mkdir()
    (tmp_path / "routes" / "scopes.yaml").write_text(_yaml("scopes"), "utf-8")
    (region / "pack.yaml").write_text(_yaml("pack"), "utf-8")
    (region / "sales-posting.overlay.yaml").write_text(_yaml("overlay"), "utf-8")

    loaded = load(Settings(project=tmp_path, state=tmp_path / ".tillflow"), {})
    (console,) = [text for text in blocks("console") if "tillflow render" in text]
    command, told = console.splitlines()

    tested = decode(tillflow("test", "--format", "json", folder=tmp_path))

    assert loaded.findings == []
    assert tested["failed"] == 0 and tested["passed"] > 0
    assert "sales-posting" in loaded.routeset.regional
    assert told in tillflow(*command.removeprefix("$ tillflow ").split(), folder=tmp_path)


def test_the_connector_in_the_readme_is_a_connector() -> None:
    (text,) = blocks("python")
    names: dict[str, object] = {"__name__": "readme"}
    exec(compile(text, "README.md", "exec", dont_inherit=True), names)

    registry = Registry([Connector("erp.acme", (names["AcmeSink"],), summary="Acme")])

    assert "erp.acme" in registry.sinks
    assert incomplete(registry) == []


def test_new_connector_lays_down_a_package_that_keeps_its_contract(tmp_path: Path) -> None:
    tillflow("new", "connector", "erp.acme", folder=tmp_path)
    package = tmp_path / "tillflow-erp-acme"
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{package}"}

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=package,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


def test_commands_in_the_readme_exist() -> None:
    words = {m for text in (b.text for b in BLOCKS) for m in re.findall(r"^\$ tillflow ([a-z-]+)", text, re.M)}
    words |= set(re.findall(r"`tillflow ([a-z-]+)", (ROOT / "README.md").read_text("utf-8")))
    help = tillflow("--help", folder=ROOT)

    assert words
    assert [word for word in words if not re.search(rf"^\W*{word}\b", help, re.M)] == []

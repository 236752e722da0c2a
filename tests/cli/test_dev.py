"""`tillflow dev`: a real process on stand-ins, while the files of its project change."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from engine.cli.dev import command
from engine.cli.dev.answers import Answers
from engine.compile.plan import RouteSet
from engine.core.errors import Permanent
from engine.loading import secrets_of
from engine.plugins.contracts import SinkItem
from engine.settings import Settings
from engine.testing.runner.standins import ASKING, Asking
from tests.cli.test_running import ROOT, until

ITEM = SinkItem("key", {}, "ask", "event")
ROUTE = "tillflow: 1\nroute: posting\nversion: 1.0.0\nsummary: Posts.\nowner: a-team\ncriticality: operational\nfrom: {event: sale@1}\nto: []\n"
TESTS = """tillflow: 1
tests:
  - name: a failure says nothing of the answer
    route: posting
    given: {event: {}}
    stub: {points: {fail: transient, returns: 1}, bank: {returns: {limit: 5}}}
    expect: {work_items: []}
  - name: the step
    route: posting
    given: {event: {}}
    stub: {points: {returns: {points: 7}}}
    expect: {work_items: []}
"""


class Dev:
    """The process, and what it has printed so far."""

    def __init__(self, project: Path, temporary: Path) -> None:
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "TMPDIR": str(temporary)}
        command = [sys.executable, "-m", "engine.cli", "dev"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=project, env=environ, stdout=pipe, stderr=pipe, text=True)
        self.out = ""
        assert self.process.stdout is not None
        self._reading = threading.Thread(target=self._read, args=(self.process.stdout,))
        self._reading.start()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self.out += line

    def says(self, text: str) -> None:
        """Wait for it, in what is printed from now on or was before."""
        until(lambda: text in self.out or self.process.poll() is not None)
        assert text in self.out, self.out

    def interrupted(self) -> tuple[int, str]:
        """As Ctrl-C does: for the process and those it started. Answers exit code and stderr."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=30)
        self._reading.join()
        assert self.process.stderr is not None and self.process.stdout is not None
        told = self.process.stderr.read()
        self.process.stderr.close()
        self.process.stdout.close()
        return code, told


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "t"
    folder.mkdir()
    return folder


@pytest.fixture
def dev(project: Path, temporary: Path) -> Iterator[Dev]:
    """Started on a project with an error."""
    _edit(project, "map: sale-to-posting", "map: sale-to-postnig")
    made = Dev(project, temporary)
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.interrupted()


def _edit(project: Path, old: str, new: str) -> None:
    route = project / "routes/post-sales.yaml"
    beside = route.with_suffix(".new~")
    beside.write_text(route.read_text("utf-8").replace(old, new), "utf-8")
    beside.replace(route)


def test_it_checks_tests_and_runs_every_save_and_leaves_nothing(project: Path, temporary: Path, dev: Dev) -> None:
    dev.says("waiting until this is corrected")
    assert "error[TF3002]" in dev.out and "routes/post-sales.yaml:27:10" in dev.out
    _edit(project, "map: sale-to-postnig", "map: sale-to-posting")
    dev.says("tests of post-sales, till-sales: passed")
    assert "2 routes run on stand-ins" in dev.out

    (drops,) = temporary.glob("*/drop")
    (drops / "till-sales/monday.csv").write_bytes((project / "data/inbox/monday.csv").read_bytes())
    dev.says('posting write {"name":"2026-03-14-0012-03-1002.json","content":{"receipt":"1002"')
    dev.says("unknown-sku: SKU-9999 at store 0012")
    dev.says("monday.csv:2")
    (drops / "post-sales/sale.json").write_bytes((project / "routes/cases/sale.json").read_bytes())
    dev.says("duplicate")
    (drops / "post-sales/wrong.json").write_text("{}", "utf-8")
    dev.says("wrong.json is no sale.completed@1")
    until(lambda: not [path for path in drops.glob("*/*") if path.is_file()])

    _edit(project, "'amount') == total", "'amuont') == total")
    dev.says("what ran before runs on")
    assert "did you mean `amount`?" in dev.out
    _edit(project, "'amuont') == total", "'amount') == total")
    dev.says("corrected: the files are what runs")
    _edit(project, "  - id: posting\n", "  - id: posting\n    effect: other\n")
    dev.says("these files cannot be applied; what runs goes on:\n  risky: post-sales: the effect of posting is other")
    _edit(project, "    effect: other\n", "")
    until(lambda: dev.out.count("corrected: the files are what runs") == 2)
    _edit(project, "version: 1.0.0", "version: 1.0.1")
    dev.says("tests of post-sales: passed")

    code, told = dev.interrupted()
    assert (code, told) == (0, "") and "stopped; nothing is left of it" in dev.out
    assert list(temporary.iterdir()) == [] and not (project / ".tillflow").exists()
    assert (project / "data/inbox/monday.csv").exists() and not (project / "data/posted").exists()
    assert "\x1b[" not in dev.out


def test_calls_answer_as_the_tests_of_their_route_say() -> None:
    answers = Answers({})
    files = {"routes/posting.yaml": ROUTE.encode(), "routes/posting.test.yaml": TESTS.encode()}
    answers.routeset = RouteSet("1", {}, files=files)

    def asked(route: str, step: str, connection: str) -> object:
        token = ASKING.set(Asking(route, step, connection))
        try:
            return answers("core.http", ITEM)
        finally:
            ASKING.reset(token)

    assert asked("posting", "points", "bank") == {"points": 7}
    assert asked("posting", "credit", "bank") == {"limit": 5}
    with pytest.raises(Permanent, match=r"step `credit` calls core[.]http, and no test of posting"):
        asked("posting", "credit", "elsewhere")
    with pytest.raises(Permanent, match="no-stand-in"):
        asked("refunds", "points", "bank")


def test_versions_of_secrets_are_the_same_from_the_first_look_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    versions = []

    class Looking:
        def __init__(self, settings: Settings, *_: object) -> None:
            self._settings = settings
            self._look()

        def _look(self) -> None:
            secrets = secrets_of(self._settings, {"TILLFLOW_SECRET_TOKEN": "long enough"})
            versions.append(secrets.get("token").version)

        async def run(self) -> None:
            self._settings.state.mkdir(exist_ok=True)  # as the engine does
            self._look()

    monkeypatch.setattr("engine.cli.dev.command.Session", Looking)
    (tmp_path / "routes").mkdir()
    command.dev(tmp_path)

    assert versions[0] and versions[0] == versions[1]

"""The commands beside an engine that runs elsewhere, over RabbitMQ and PostgreSQL, with the project as it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.core.jsonx import encode
from tests.cli.conftest import Tillflow
from tests.cli.test_running import EXPECTED, ROOT, until
from tests.proof.shared import cell
from tests.rabbitmq_broker import broker

pytestmark = pytest.mark.services

PASSWORD = "not-to-be-told"


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cell of its own in the environment. The server trusts everybody, so any password does."""
    with cell() as made:
        front, _, rest = made.dsn.partition("@")
        user = front.rpartition("/")[2].partition(":")[0]
        monkeypatch.setenv("TILLFLOW_STORE", f"postgresql://{user}:{PASSWORD}@{rest}")
        monkeypatch.setenv("TILLFLOW_TRANSPORT", broker().url)
        monkeypatch.setenv("TILLFLOW_CELL", made.name)
        yield


@pytest.fixture
def elsewhere(services: None, project: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An engine with another state folder: as on another host."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "engine.cli", "run", "--alone", "--state", str(tmp_path / "elsewhere")]
    engine = subprocess.Popen(command, cwd=project, env=environ, stderr=subprocess.PIPE)
    until(lambda: all((project / name).exists() for name in EXPECTED) or engine.poll() is not None)
    yield engine
    engine.send_signal(signal.SIGTERM)
    _, told = engine.communicate(timeout=40)
    assert engine.returncode == 0 and PASSWORD.encode() not in told, told


def test_commands_read_and_decide_through_the_store(tillflow: Tillflow, project: Path, elsewhere: object) -> None:
    def asked(*arguments: str) -> Any:
        said = tillflow(*arguments, "--project", project, "--format", "json")
        assert said.code == 0 and PASSWORD not in said.out + said.err, said.err
        return said.json

    until(lambda: len(asked("work", "list")["items"]) == 1)
    status = asked("status")
    assert status["running"] is True and [worker["state"] for worker in status["workers"]] == ["running"]
    assert all(figure["balanced"] for figure in status["figures"]) and status["queues"] and not status["problems"]
    assert asked("trace", "receipt=1001")["entries"][-1]["what"] == "applied"
    checks = {check["check"].partition(" ")[0]: check["ok"] for check in asked("doctor")["checks"]}
    assert checks["transport"] and checks["store"]

    id = asked("work", "list")["items"][0]["id"]
    body = asked("work", "show", id)["body"]
    body["lines"][0]["sku"] = "SKU-1002"
    (project / "body.json").write_bytes(encode(body))
    file = str(project / "body.json")
    who = ("--actor", "tests", "--project", str(project))
    edited = tillflow("work", "edit", id, "-r", "typing error", "--file", file, *who)
    replayed = tillflow("work", "replay", id, "-r", "put right", *who)
    assert (edited.code, replayed.code) == (0, 0), edited.err + replayed.err
    assert "does not run" not in replayed.err
    until(lambda: (project / "data/posted/2026-03-14-0012-03-1003.json").exists())
    until(lambda: asked("work", "list")["items"] == [])


def test_a_command_that_does_not_know_the_services_says_so(
    tillflow: Tillflow, project: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: object, tmp_path: Path
) -> None:
    state = tmp_path / "elsewhere"
    for name in ("TILLFLOW_STORE", "TILLFLOW_TRANSPORT", "TILLFLOW_CELL"):
        monkeypatch.delenv(name)
    (state / "engine.sock").unlink()
    for command in (("status",), ("work", "discard", "x", "-r", "no", "--actor", "tests")):
        said = tillflow(*command, "--project", project, "--state", state)
        assert said.code == 2 and "set TILLFLOW_TRANSPORT and TILLFLOW_STORE" in said.err, said.err
    assert not (state / "tillflow.db").exists()


def test_a_state_folder_is_that_of_one_engine(
    tillflow: Tillflow, project: Path, elsewhere: object, tmp_path: Path
) -> None:
    said = tillflow("run", "--alone", "--project", project, "--state", tmp_path / "elsewhere")
    assert said.code == 2 and "an engine runs on the state folder" in said.err and "--state" in said.err


def test_before_the_first_start_there_is_nothing_to_look_at(tillflow: Tillflow, project: Path, services: None) -> None:
    said = tillflow("status", "--project", project)
    assert said.code == 2 and "is not there; start the engine" in said.err and PASSWORD not in said.err


@pytest.mark.parametrize(
    ("variable", "value", "code", "told"),
    [
        ("TILLFLOW_STORE", f"postgresql://nobody:{PASSWORD}@127.0.0.1:1/none", 4, "127.0.0.1:1/none cannot be reached"),
        ("TILLFLOW_TRANSPORT", f"amqp://nobody:{PASSWORD}@127.0.0.1:1/", 4, "RabbitMQ at 127.0.0.1:1/ cannot be"),
    ],
)
def test_a_service_that_does_not_answer_is_told_without_its_password(
    tillflow: Tillflow,
    project: Path,
    services: None,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    code: int,
    told: str,
) -> None:
    monkeypatch.setenv(variable, value)
    said = tillflow("run", "--alone", "--project", project)
    assert said.code == code and told in said.err and PASSWORD not in said.err, said.err
    doctor = tillflow("doctor", "--project", project)
    assert doctor.code == 1 and told in doctor.out and PASSWORD not in doctor.out


def test_an_apply_waits_for_every_process(tillflow: Tillflow, project: Path, services: None, tmp_path: Path) -> None:
    """Two workers on one host, the command on another: it goes through the Store."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    state = str(tmp_path / "elsewhere")
    command = [sys.executable, "-m", "engine.cli", "run", "--workers", "2", "--state", state]
    engine = subprocess.Popen(command, cwd=project, env=environ, stderr=subprocess.PIPE)

    def asked(*arguments: str, code: int = 0) -> Any:
        said = tillflow(*arguments, "--project", project, "--format", "json")
        assert said.code == code, said
        return said.json

    def all_run() -> bool:
        return [one["stage"] for one in asked("status")["revisions"]["processes"]] == ["running"] * 2

    try:
        until(lambda: all((project / name).exists() for name in EXPECTED) or engine.poll() is not None)
        until(all_run)
        route = project / "routes/post-sales.yaml"
        text = route.read_text("utf-8")
        route.write_text(text.replace("  - id: posting\n", "  - id: posting\n    effect: other\n"), "utf-8")
        until(lambda: asked("status")["revisions"]["last_error"] is not None)
        assert len(asked("history")["revisions"]) == 1

        applied = asked("apply", "--wait", "--accept", "effect-changed", "--author", "ana", "-r", "meant")

        assert (applied["state"], applied["running"], applied["behind"]) == ("active", True, [])
        standing = asked("status")["revisions"]
        assert (
            {one["runs"] for one in standing["processes"]} == {applied["revision"]} == {standing["wanted"]["revision"]}
        )
        assert len(standing["processes"]) == 2
        asked("rollback", "1", "--wait", "--author", "ana", "-r", "not meant")
        assert all_run() and asked("history")["revisions"][-1]["state"] == "active"
    finally:
        engine.send_signal(signal.SIGTERM)
        engine.communicate(timeout=60)

"""run, status, trace, work: a real engine process and the commands beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.cli.status import _show_status
from engine.core.jsonx import decode, encode
from tests.cli.conftest import Said, Tillflow

ROOT = Path(__file__).resolve().parents[2]
EXPECTED = ("data/posted/2026-03-14-0012-03-1001.json", "data/posted/2026-03-14-0012-03-1002.json")


def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.05)


@contextmanager
def engine_of(project: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`tillflow run` that has posted the first day."""
    secret = project / "secrets" / "open-to-all"
    secret.parent.mkdir()
    secret.write_text("x", "utf-8")
    secret.chmod(0o644)
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "TILLFLOW_SECRETS": str(secret.parent)}
    command = [sys.executable, "-m", "engine.cli", "run"]
    engine = subprocess.Popen(command, cwd=project, env=environ, stderr=subprocess.PIPE)
    until(lambda: all((project / name).exists() for name in EXPECTED) or engine.poll() is not None)
    yield engine
    engine.send_signal(signal.SIGTERM)
    engine.communicate(timeout=30)


@pytest.fixture
def running(project: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An engine whose items a test decides about."""
    with engine_of(project) as engine:
        yield engine


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The project of an engine that tests only look at."""
    folder = tmp_path_factory.mktemp("looked-at") / "shop"
    subprocess.run([sys.executable, "-m", "engine.cli", "init", str(folder)], cwd=ROOT, check=True, capture_output=True)
    with engine_of(folder):
        yield folder


def test_status_trace_and_work_of_a_running_engine(tillflow: Tillflow, looked_at: Path) -> None:
    def items() -> list[dict[str, str]]:
        return tillflow("work", "list", "--project", looked_at, "--format", "json").json["items"]

    until(lambda: len(items()) == 1)
    status = tillflow("status", "--project", looked_at, "--format", "json").json

    def traced() -> list[str]:
        told = tillflow("trace", "receipt=1001", "--project", looked_at, "--format", "json").json
        return [entry["what"] for entry in told["entries"]]

    assert status["running"] is True
    assert all(figure["balanced"] for figure in status["figures"])
    shown = tillflow("status", "--project", looked_at).out
    assert "balanced" in shown and "received" in shown
    assert all(one["promise"] for one in status["promises"])
    until(lambda: "received" in traced())  # lines of plain routes are written a moment later
    assert traced()[0] == "received" and traced()[-1] == "applied"


def test_files_that_bring_nothing_are_found_by_their_name(tillflow: Tillflow, looked_at: Path) -> None:
    def traced(file: str) -> list[dict[str, str]]:
        told = tillflow("trace", f"file={file}", "--project", looked_at, "--format", "json")
        return told.json["entries"] if told.code == 0 else []

    archive = looked_at / "data/archive"
    until(lambda: (archive / "monday.csv").exists() or (looked_at / "data/failed/monday.csv").exists())
    whole = next(path for path in (looked_at / "data").rglob("monday.csv")).read_bytes()

    # given a header without rows, and a file that came before
    (looked_at / "data/inbox/holiday.csv").write_bytes(whole.splitlines(keepends=True)[0])
    (looked_at / "data/inbox/again.csv").write_bytes(whole)
    until(lambda: len(traced("holiday.csv")) == 2 and len(traced("again.csv")) >= 2)

    # then each has its story
    empty, again = traced("holiday.csv"), traced("again.csv")
    assert [(line["what"], line["detail"]) for line in empty] == [
        ("read", "0 records: nothing follows from it"),
        ("archived", "as holiday.csv"),
    ]
    assert all(line["route"] == "till-sales" and line["at"] and line["revision"] for line in empty + again)
    assert [(line["what"], line["detail"]) for line in again] == [
        ("duplicate", "its content was taken in before, as monday.csv"),
        ("archived", "as again.csv.duplicate"),
    ]
    shown = tillflow("trace", "file=holiday.csv", "--project", looked_at).out
    assert "0 records" in shown and "till-sales" in shown and "as holiday.csv" in shown


def test_an_item_is_edited_and_replayed(tillflow: Tillflow, project: Path, running: object) -> None:
    def items(*more: str) -> list[dict[str, str]]:
        return tillflow("work", "list", "--project", project, "--format", "json", *more).json["items"]

    until(lambda: len(items()) == 1)
    id = items()[0]["id"]
    shown = tillflow("work", "show", id[:6], "--project", project, "--format", "json").json
    shown["body"]["lines"][0]["sku"] = "SKU-1002"
    body = project / "body.json"
    body.write_text(_json(shown["body"]), "utf-8")

    edited = tillflow(
        "work", "edit", id, "-r", "typing error", "--file", body, "--actor", "tests", "--project", project
    )
    replayed = tillflow("work", "replay", id, "-r", "put right", "--actor", "tests", "--project", project)

    assert (edited.code, replayed.code) == (0, 0), edited.err + replayed.err
    until(lambda: (project / "data/posted/2026-03-14-0012-03-1003.json").exists())
    until(lambda: items() == [])


def test_all_items_are_replayed_at_once_after_a_yes(tillflow: Tillflow, project: Path, running: object) -> None:
    def items() -> list[dict[str, str]]:
        return tillflow("work", "list", "--project", project, "--format", "json").json["items"]

    until(lambda: len(items()) == 1)
    replay = ("work", "replay", "--all", "-r", "sku added", "--actor", "tests", "--project", project)
    table = project / "mappings/tables/products.csv"
    table.write_text(table.read_text("utf-8") + "SKU-9999,400099\n", "utf-8")

    asked = tillflow(*replay)
    other = tillflow(*replay, "--reason-is", "nope", "--yes")
    assert (asked.code, other.code) == (2, 0)
    assert "1 item would be replayed" in asked.err
    assert "nothing was replayed" in other.err
    assert len(items()) == 1

    def posted() -> bool:
        """The new row is noticed within a moment; until then the item comes back."""
        tillflow(*replay, "--route", "post-sales", "--yes", "--format", "json")
        return (project / "data/posted/2026-03-14-0012-03-1003.json").exists()

    until(posted)


def _json(value: object) -> str:
    return encode(value).decode()


def test_a_decision_waits_for_the_next_start(
    tillflow: Tillflow, project: Path, running: subprocess.Popen[bytes]
) -> None:
    listed: list[Said] = []

    def one() -> bool:
        listed.append(tillflow("work", "list", "--project", project, "--format", "json"))
        return len(listed[-1].json["items"]) == 1

    until(one)
    running.send_signal(signal.SIGTERM)
    log = [decode(line) for line in running.communicate(timeout=30)[1].splitlines()]
    (starting,) = [line for line in log if line["text"] == "starting"]
    assert "routes" not in starting  # which revision will run is not decided yet
    assert starting["state"] == str(project / ".tillflow") and starting["socket"].endswith("engine.sock")
    assert [line["why"] for line in log if "open-to-all" in line.get("why", "")] != []
    assert len([line for line in log if line["text"] == "a secret is not safe"]) == 1
    id = listed[-1].json["items"][0]["id"]

    said = tillflow("work", "discard", id, "-r", "a training receipt", "--actor", "tests", "--project", project)

    assert said.code == 0, said.err
    assert tillflow("work", "list", "--project", project, "--format", "json").json["items"] == []
    kept = tillflow("work", "list", "--in-state", "discarded", "--project", project, "--format", "json").json["items"]
    assert [item["id"] for item in kept] == [id]
    assert said.err.count(id) == 1 and "when it starts" not in said.err


def test_a_second_engine_is_refused(looked_at: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "engine.cli", "run", "--alone"]

    second = subprocess.run(
        command, cwd=looked_at, env=environ, capture_output=True, text=True, timeout=30, check=False
    )

    assert second.returncode == 2
    assert "owned by" in second.stderr
    assert "Traceback" not in second.stderr


def test_run_refuses_a_project_with_errors(tillflow: Tillflow, project: Path) -> None:
    route = project / "routes/post-sales.yaml"
    route.write_text(route.read_text("utf-8").replace("map: sale-to-posting", "map: sale-to-postnig"), "utf-8")

    said = tillflow("run", "--alone", "--project", project)

    assert said.code == 1
    assert "sale-to-posting" in said.out


def test_nothing_known_is_said(tillflow: Tillflow, looked_at: Path) -> None:
    said = tillflow("trace", "receipt=4711", "--project", looked_at)

    assert said.code == 1
    assert "nothing is known" in said.err
    assert tillflow("work", "show", "abcdef", "--project", looked_at).code == 2


def test_status_explains_what_was_refused_before_it_was_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    work = [{"route": "till-sales", "reason": "bad-line", "state": "open", "count": 2}]
    refused = [{"route": "till-sales", "count": 2}]
    stopped = {"running": False, "state": "new", "revision": "0"}

    _show_status(defaultdict(list, {**stopped, "work": work, "refused": refused}))

    told = capsys.readouterr().out
    assert "till-sales: 2 of these refused at the door" in told
    assert "Nothing was received yet" not in told


def test_looking_before_the_first_run_says_so(tillflow: Tillflow, project: Path) -> None:
    said = tillflow("status", "--project", project)

    assert said.code == 2
    assert "has not run with this state folder yet" in said.err


def test_looking_never_keeps_an_engine_from_starting(tillflow: Tillflow, looked_at: Path) -> None:
    database = looked_at / ".tillflow" / "tillflow.db"

    assert database.exists()
    assert tillflow("status", "--project", looked_at).code == 0


def test_lines_for_people_can_be_asked_for_where_nobody_looks(project: Path) -> None:
    """The workers write as their parent does."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "engine.cli", "run", "--log-format", "human"]
    engine = subprocess.Popen(command, cwd=project, env=environ, stderr=subprocess.PIPE)
    until(lambda: all((project / name).exists() for name in EXPECTED) or engine.poll() is not None)
    engine.send_signal(signal.SIGTERM)

    told = engine.communicate(timeout=30)[1].decode().splitlines()

    assert any(line.split()[1:4] == ["info", "engine", "running"] for line in told), told
    assert not any(line.startswith("{") for line in told)


def test_folders_of_connections_are_named_from_the_project(
    tillflow: Tillflow, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "engine.cli", "run", "--project", "../shop"]

    engine = subprocess.Popen(command, cwd=elsewhere, env=environ, stderr=subprocess.PIPE)
    until(lambda: all((project / name).exists() for name in EXPECTED) or engine.poll() is not None)
    engine.send_signal(signal.SIGTERM)
    told = engine.communicate(timeout=30)[1].decode()

    assert str(project / ".tillflow") in told and "/../" not in told
    assert list(elsewhere.iterdir()) == []
    monkeypatch.chdir(elsewhere)
    assert "data/inbox: 0 files" in tillflow("doctor", "--project", "../shop").out
    assert list(elsewhere.iterdir()) == []

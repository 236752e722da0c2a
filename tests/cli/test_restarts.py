"""A start on files that were edited badly meanwhile: what ran before runs on, and it is said where to correct them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.core.jsonx import decode
from tests.cli.conftest import Tillflow
from tests.cli.test_changing import Shop
from tests.cli.test_running import ROOT
from tests.cli.test_running import until as until_
from tests.proof.shared import cell
from tests.rabbitmq_broker import broker

until = partial(until_, seconds=120.0)  # several processes start, beside everything else
WRONG = ("map: sale-to-posting", "map: sale-to-postnig")


@pytest.fixture(params=["sqlite", pytest.param("services", marks=pytest.mark.services)])
def shop(
    request: pytest.FixtureRequest, tillflow: Tillflow, project: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    """Its engine embedded, or with two workers over RabbitMQ and PostgreSQL."""
    if request.param == "sqlite":
        yield Shop(tillflow, project)
        return
    with cell() as made:
        monkeypatch.setenv("TILLFLOW_STORE", made.dsn)
        monkeypatch.setenv("TILLFLOW_TRANSPORT", broker().url)
        monkeypatch.setenv("TILLFLOW_CELL", made.name)
        monkeypatch.setenv("TILLFLOW_WORKERS", "2")
        yield Shop(tillflow, project)


@contextmanager
def running(shop: Shop) -> Iterator[tuple[Path, int]]:
    """`tillflow run`, stopped in the end; answers where it says what, and its process id."""
    log = shop.folder / f"{len(list(shop.folder.glob('*.log')))}.log"
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with log.open("wb") as told:
        engine = subprocess.Popen(
            [sys.executable, "-m", "engine.cli", "run"], cwd=shop.folder, env=environ, stderr=told
        )
    try:
        until(lambda: engine.poll() is not None or '"text": "running"' in log.read_text("utf-8"))
        assert engine.poll() is None, log.read_text("utf-8")
        yield log, engine.pid
    finally:
        engine.send_signal(signal.SIGTERM)
        engine.communicate(timeout=60)


def lines(log: Path) -> list[dict[str, Any]]:
    return [decode(line.encode()) for line in log.read_text("utf-8").splitlines()]


def workers(engine: int) -> set[int]:
    """Process ids of the parent's children."""
    return {
        int(child)
        for of_thread in Path(f"/proc/{engine}/task").glob("*/children")
        for child in of_thread.read_text("ascii").split()
    }


def wrong_line(shop: Shop) -> str:
    number = shop.route.read_text("utf-8").splitlines().index(f"    {WRONG[1]}") + 1
    return f"routes/post-sales.yaml:{number}:10 TF3002"


def test_a_worker_that_dies_comes_back_on_the_active_revision(shop: Shop) -> None:
    with running(shop) as (log, engine):
        until(lambda: (shop.folder / "data/posted/2026-03-14-0012-03-1001.json").exists())
        began = workers(engine)
        until(lambda: log.read_text("utf-8").count('"text": "running"') == len(began))
        shop.edit(*WRONG)
        until(lambda: "TF3002" in shop.last_error())
        for pid in began:
            os.kill(pid, signal.SIGKILL)

        until(lambda: log.read_text("utf-8").count('"text": "running"') == 2 * len(began))
        assert began.isdisjoint(workers(engine))
        until(lambda: wrong_line(shop) in shop.last_error())
        until(shop.sells("2001").exists)

        assert [(number, state) for number, state, _ in shop.history()] == [(1, "active")]
        told = [line for line in lines(log) if line["text"] == "revision 1 runs, not the files: they have errors"]
        assert len(told) == len(began) and {line["number"] for line in told} == {1}
        # and the corrected file is taken as ever
        shop.edit(*reversed(WRONG))
        until(lambda: shop.last_error() == "")


def test_an_engine_starts_on_what_ran_last_when_the_files_are_wrong(shop: Shop) -> None:
    with running(shop):
        until(lambda: (shop.folder / "data/posted/2026-03-14-0012-03-1001.json").exists())
    shop.edit(*WRONG)
    with running(shop) as (log, _):
        until(shop.sells("2001").exists)
        until(lambda: wrong_line(shop) in shop.last_error())
        assert [(number, state) for number, state, _ in shop.history()] == [(1, "active")]
        told = lines(log)
        assert any(line["text"] == "revision 1 runs, not the files: they have errors" for line in told)
        assert any(wrong_line(shop) in line.get("why", "") and line["number"] == 1 for line in told)


def test_a_new_file_that_is_wrong_keeps_nothing_from_starting(shop: Shop) -> None:
    with running(shop):
        until(lambda: (shop.folder / "data/posted/2026-03-14-0012-03-1001.json").exists())
    (shop.folder / "routes/new.yaml").write_text("tillflow: 1\nroute: new\nto: [\n", "utf-8")
    with running(shop) as (log, _):
        until(shop.sells("2001").exists)
        assert any("routes/new.yaml:" in line.get("why", "") for line in lines(log))
        assert [(number, state) for number, state, _ in shop.history()] == [(1, "active")]


def loop(shop: Shop) -> str:
    link = shop.folder / "routes/loop.yaml"
    link.symlink_to(link.name)
    return "routes/loop.yaml:1:1 TF9005"


def no_routes(shop: Shop) -> str:
    (shop.folder / "routes").rename(shop.folder / "elsewhere")
    return "routes:1:1 TF9001"


@pytest.mark.parametrize("broken", [loop, no_routes])
def test_what_cannot_be_read_keeps_nothing_from_running(shop: Shop, broken: Callable[[Shop], str]) -> None:
    with running(shop):
        until((shop.folder / "data/archive/monday.csv").exists)
        told = broken(shop)
        until(lambda: told in shop.last_error())
        until(shop.sells("2001").exists)
    with running(shop) as (log, _):
        until(shop.sells("2002").exists)
        until(lambda: told in shop.last_error())
        assert any(told in line.get("why", "") for line in lines(log))
        assert [(number, state) for number, state, _ in shop.history()] == [(1, "active")]


def key_without_date(shop: Shop) -> str:
    for schema in (shop.folder / "mappings/schemas").glob("*.yaml"):
        schema.write_text(re.sub(r"key: \[.*\]", "key: [store, till, receipt]", schema.read_text("utf-8")), "utf-8")
    return "key-changed"


def twice_the_total(shop: Shop) -> str:
    mapping = shop.folder / "mappings/sale-to-posting.yaml"
    text = mapping.read_text("utf-8")
    assert "total: total" in text
    mapping.write_text(text.replace("total: total", "total: sum([total, total])"), "utf-8")
    return "tests-fail"


@pytest.mark.parametrize("edited", [key_without_date, twice_the_total])
def test_an_edit_while_nothing_ran_is_refused_as_one_that_was_seen(shop: Shop, edited: Callable[[Shop], str]) -> None:
    with running(shop):
        until((shop.folder / "data/archive/monday.csv").exists)
    why = edited(shop)
    with running(shop) as (log, _):
        until(lambda: why in shop.last_error())
        assert [(number, state) for number, state, _ in shop.history()] == [(1, "active")]
        posted = shop.sells("2001")
        until(posted.exists)
        first = shop.folder / "data/posted/2026-03-14-0012-03-1001.json"
        assert decode(posted.read_bytes())["total"] == decode(first.read_bytes())["total"]
        assert any("revision 1 runs, not the files: they were changed since" in line["text"] for line in lines(log))


def test_a_good_edit_while_nothing_ran_is_taken_after_its_checks(shop: Shop) -> None:
    with running(shop):
        until((shop.folder / "data/archive/monday.csv").exists)
    shop.edit("summary: ", "summary: Better. ")
    with running(shop):
        until(lambda: next(iter(shop.history()))[:2] == (2, "active"))


def test_where_nothing_ran_before_wrong_files_are_refused(shop: Shop) -> None:
    shop.edit(*WRONG)
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "engine.cli", "run"]
    said = subprocess.run(
        command, cwd=shop.folder, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert said.returncode == 1 and "did you mean" in said.stdout and "Traceback" not in said.stderr


def test_a_value_that_is_missing_since_is_named_where_it_keeps_routes_from_running(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = shop.folder / "routes/connections.yaml"
    text = connections.read_text("utf-8")
    connections.write_text(text.replace("${OFFICE_OUTBOX:data/posted}", "${POSTED}"), "utf-8")
    with monkeypatch.context() as context:
        context.setenv("POSTED", "data/posted")
        with running(shop):
            until((shop.folder / "data/archive/monday.csv").exists)

    environ = {**os.environ, "PYTHONPATH": str(ROOT), "TILLFLOW_LOG_FORMAT": "json"}
    command = [sys.executable, "-m", "engine.cli", "run"]
    said = subprocess.run(
        command, cwd=shop.folder, env=environ, capture_output=True, text=True, timeout=60, check=False
    )

    assert said.returncode == 1 and "POSTED" in said.stdout
    told = [decode(line.encode()) for line in said.stderr.splitlines()]
    assert any("connections.yaml" in line.get("why", "") and "POSTED" in line["why"] for line in told), told

"""plan, apply, history, diff, rollback and status: a real engine whose files are edited, and its Store when it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.core.jsonx import decode
from tests.cli.conftest import Said, Tillflow
from tests.cli.test_running import ROOT, until

SLOT = "steps:\n  - {slot: region, allows: [pure]}\n"
PACK = "tillflow: 1\npack: home\nlayer: country\nfor: {country: '0012'}\nowner: home-team\nresidency: eu\n"
OVERLAY = """tillflow: 1
overlay: home-sales
base: post-sales@^1
fill:
  region:
    - {id: open, when: "starts_with(receipt, '2')", filter: {reason: %s}}
"""
GIVES_UP = "class: process\nretry: {give_up_after: 6h}\n"


class Shop:
    """A project and the commands over it."""

    def __init__(self, tillflow: Tillflow, folder: Path) -> None:
        self._tillflow = tillflow
        self.folder = folder
        self.route = folder / "routes/post-sales.yaml"

    def __call__(self, *arguments: str, code: int = 0) -> Said:
        said = self._tillflow(*arguments, "--project", self.folder)
        assert said.code == code, said
        return said

    def json(self, *arguments: str, code: int = 0) -> Any:
        return self(*arguments, "--format", "json", code=code).json

    def edit(self, old: str, new: str) -> None:
        """As an editor saves: beside it, then renamed over it."""
        text = self.route.read_text("utf-8")
        assert old in text
        beside = self.route.with_suffix(".new~")
        beside.write_text(text.replace(old, new), "utf-8")
        beside.replace(self.route)

    def history(self) -> list[tuple[int, str, str]]:
        return [(one["number"], one["state"], one["author"]) for one in self.json("history")["revisions"]]

    def last_error(self) -> str:
        told = self.json("status")["revisions"]["last_error"]
        return "\n".join(told["problems"]) if told else ""

    def files(self) -> dict[str, Any]:
        told: dict[str, Any] = self.json("status")["files"]
        return told

    def sells(self, receipt: str) -> Path:
        """A till's file is dropped; answers where the sale is posted."""
        lines = (self.folder / "data/archive/monday.csv").read_text("utf-8").splitlines()
        mine = [line.replace(",1001,", f",{receipt},") for line in lines if ",1001," in line]
        inbox = self.folder / "data/inbox" / f"{receipt}.csv"
        inbox.write_text("\n".join([lines[0], *mine]) + "\n", "utf-8")
        return self.folder / f"data/posted/2026-03-14-0012-03-{receipt}.json"


@pytest.fixture
def shop(tillflow: Tillflow, project: Path) -> Shop:
    return Shop(tillflow, project)


@pytest.fixture
def running(shop: Shop, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[bytes]]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "engine.cli", "run", *getattr(request, "param", ())]
    engine = subprocess.Popen(command, cwd=shop.folder, env=environ, stderr=subprocess.PIPE)
    until(lambda: (shop.folder / "data/posted/2026-03-14-0012-03-1001.json").exists() or engine.poll() is not None)
    yield engine
    if engine.poll() is None:
        engine.send_signal(signal.SIGTERM)
        engine.communicate(timeout=30)


def test_every_line_of_the_log_says_which_revision_runs(shop: Shop, running: subprocess.Popen[bytes]) -> None:
    shop.edit("class: process\n", GIVES_UP)
    until(lambda: shop.history() == [(2, "active", "tillflow"), (1, "past", "")])
    shop.edit("map: sale-to-posting", "map: sale-to-postnig")
    until(lambda: "TF3002" in shop.last_error())
    shop("rollback", "1", "--reason", "too early")
    ids = {one["number"]: one["revision"][:12] for one in shop.json("history")["revisions"]}
    running.send_signal(signal.SIGTERM)

    log = [decode(line) for line in running.communicate(timeout=30)[1].splitlines()]

    begun = next(at for at, line in enumerate(log) if line["text"] == "running")
    told = [(line["number"], line["revision"]) for line in log[begun:]]
    assert set(told) == set(ids.items()), log
    assert [line["number"] for line in log if line["text"] == "runs"] == [1, 2, 1]
    assert next(line["number"] for line in log if "these files have errors" in line["text"]) == 2


@pytest.mark.parametrize("running", [["--no-watch"]], indirect=True)
def test_without_watching_an_edit_waits_for_apply(shop: Shop, running: subprocess.Popen[bytes]) -> None:
    assert shop.files()["differ"] is False and "differ" not in shop("status").out
    shop.edit("class: process\n", GIVES_UP)
    posted = shop.sells("2001")
    until(posted.exists)
    assert [number for number, _, _ in shop.history()] == [1]
    assert (shop.files()["differ"], shop.files()["watched"]) == (True, False)
    told = shop("status").out
    assert "the files differ from what runs (revision 1)" in told and "`tillflow apply` has them run" in told
    shop("apply", "--author", "anna", "--reason", "ours")
    assert shop.files()["differ"] is False
    assert shop.history() == [(2, "active", "anna"), (1, "past", "")]


def test_a_good_edit_runs_and_a_bad_one_is_told_with_its_line(shop: Shop, running: subprocess.Popen[bytes]) -> None:
    shop.edit("class: process\n", GIVES_UP)
    until(lambda: shop.history() == [(2, "active", "tillflow"), (1, "past", "")])

    shop.edit("map: sale-to-posting", "map: sale-to-postnig")
    line = shop.route.read_text("utf-8").splitlines().index("    map: sale-to-postnig") + 1
    until(lambda: f"routes/post-sales.yaml:{line}:10 TF3002" in shop.last_error())
    told = shop("status").out
    assert "revision 2" in told and "the last edit was not taken" in told and "did you mean `sale-to-posting`?" in told
    assert "the files differ from what runs (revision 2)" in told and "they have errors, and what runs goes on" in told
    assert told.count("TF3002") == 1 and "TF3002" in shop.files()["errors"][0]
    posted = shop.sells("2001")
    until(posted.exists)
    assert "sale-to-postnig" in shop("plan", code=1).out

    shop.edit("map: sale-to-postnig", "map: sale-to-posting")
    until(lambda: shop.last_error() == "")
    assert [state for _, state, _ in shop.history()] == ["active", "past"]

    running.send_signal(signal.SIGTERM)
    log = [decode(line) for line in running.communicate(timeout=30)[1].splitlines()]
    assert any("TF3002" in line.get("why", "") for line in log)


def test_a_risky_edit_waits_for_apply_and_can_be_taken_back(shop: Shop, running: object) -> None:
    shop.edit("  - id: posting\n", "  - id: posting\n    effect: other\n")
    until(lambda: "effect-changed" in shop.last_error())
    assert "they were not taken, as told above" in shop.files()["next"]

    plan = shop.json("plan", "--detailed-exitcode", code=3)
    assert plan["running"] is True and [one["route"] for one in plan["changes"]] == ["post-sales"]
    assert [(risk["name"], risk["refused"]) for risk in plan["changes"][0]["risks"]] == [("effect-changed", True)]
    human = shop("plan")
    assert "post-sales: effect other added (sink posting)" in human.out and "risk effect-changed" in human.out
    assert "tillflow apply --accept effect-changed" in human.err
    assert "accept it by name: effect-changed" in shop("apply", "--author", "ana", "-r", "try", code=1).err

    applied = shop.json("apply", "--wait", "--accept", "effect-changed", "--author", "ana", "-r", "another ledger")
    assert (applied["state"], applied["running"], applied["behind"]) == ("active", True, [])
    assert shop.last_error() == "" and shop.history()[0] == (2, "active", "ana")
    assert "by ana: another ledger" in shop("status").out
    assert "nothing changes" in shop("plan", "--detailed-exitcode").out
    assert "is active already" in shop("apply").out

    difference = shop("diff", "1", "2").out
    assert "post-sales: effect other added (sink posting)" in difference and "\n+    effect: other\n" in difference
    assert "    accepted with revision 2 by ana: another ledger\n" in difference
    (file,) = shop.json("diff", "1", "2")["files"]
    assert (file["file"], file["change"]) == ("routes/post-sales.yaml", "changed")

    back = shop("rollback", "1", "--wait", "--author", "ben", "-r", "too early").out
    assert (
        "is active" in back
        and "the files differ from what runs now; what they say comes back with the next save" in back
    )
    assert "reference tables are not taken back (products)" in back
    assert shop.history() == [(2, "rejected", "ana"), (1, "active", "ben")]
    history = shop("history").out
    assert "active by tillflow: start\n" in history
    assert "active by ana: another ledger\n    accepts effect-changed of post-sales\n" in history
    assert "  taken back by ben: too early\n" in history
    assert "they were not taken: taken back by ben: too early; save another edit" in shop("status").out
    assert shop.sells("2001") and "no such revision" in shop("rollback", "9", code=2).err
    until((shop.folder / "data/posted/2026-03-14-0012-03-2001.json").exists)


def test_the_store_of_an_engine_that_does_not_run(shop: Shop) -> None:
    assert "has not run with this state folder yet" in shop("plan", code=2).err
    assert "what the next start runs" in shop("apply", "--wait", "--author", "ana", "-r", "first").out
    shop.edit("class: process\n", GIVES_UP)
    plan = shop.json("plan", "--detailed-exitcode", code=3)
    assert plan["running"] is False and plan["unchanged"] == ["till-sales"]
    assert plan["changes"][0]["texts"] == ["post-sales: retry {give_up_after: 6h} added"]
    assert "the next start takes them" in shop("status").out
    shop("apply", "--author", "ana", "-r", "sooner")
    assert "nothing changes" in shop("plan").out

    shop.json("rollback", "1", "--author", "ben", "-r", "later")
    assert shop.history() == [(2, "rejected", "ana"), (1, "active", "ben")]
    assert "not running, revision 1" in shop("status").out
    assert "give_up_after" in shop("plan").out
    assert "nothing changes" in shop("diff", "1", "1").out
    actions = [(row["actor"], row["action"], row["reason"]) for row in _audit(shop)]
    assert ("ben", "revision.activate", "later") in actions and ("ana", "revision.activate", "sooner") in actions


def _audit(shop: Shop) -> list[dict[str, Any]]:
    from engine.cli.owner import Owner, ask
    from engine.cli.project import settings_for

    async def question(owner: Owner) -> Any:
        return await owner.get("/audit")

    return list(ask(settings_for(shop.folder), question)["rows"])


def test_tests_of_a_financial_route_run_before_it_is_applied(shop: Shop) -> None:
    shop("apply", "-r", "first")
    mapping = shop.folder / "mappings/sale-to-posting.yaml"
    text = mapping.read_text("utf-8")
    mapping.write_text(text.replace("total: total", "total: {const: 1}"), "utf-8")
    assert mapping.read_text("utf-8") != text

    said = shop("apply", code=1)

    assert "tests-fail" in said.err and "routes/post-sales.test.yaml:" in said.err
    assert len(shop.history()) == 1


def test_a_region_joins_what_runs_and_leaves_it(tillflow: Tillflow, shop: Shop, running: object) -> None:
    connections = shop.folder / "routes/connections.yaml"
    connections.write_text(
        connections.read_text("utf-8").replace("core.files\n", "core.files\n    zone: eu\n"), "utf-8"
    )
    shop.edit("steps:\n", SLOT)
    until(lambda: shop.history()[0][:2] == (2, "active"))
    region = shop.folder / "routes/regions/home"
    region.mkdir(parents=True)
    (region / "pack.yaml").write_text(PACK, "utf-8")
    (shop.folder / "routes/scopes.yaml").write_text("tillflow: 1\nscopes: {country: store}\n", "utf-8")
    overlay = region / "post-sales.overlay.yaml"
    overlay.write_text(OVERLAY % "closed", "utf-8")
    until(lambda: shop.history()[0][1] == "active" and overlay.name in shop("diff", "2", str(shop.history()[0][0])).out)
    assert "nothing changes" in shop("plan").out

    overlay.write_text(OVERLAY % "holiday", "utf-8")
    until(lambda: "holiday" in shop("diff", "2", str(shop.history()[0][0])).out)
    assert shop.last_error() == "" and shop.files()["differ"] is False
    sold = shop.sells("2001")
    until(lambda: "holiday" in tillflow("trace", "receipt=2001", "--project", shop.folder).out)
    assert not sold.exists()

    overlay.unlink()
    until(lambda: shop.files()["differ"] is False)
    assert shop.last_error() == ""
    until(shop.sells("2002").exists)

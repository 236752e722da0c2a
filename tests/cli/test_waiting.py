"""The exit code of a change that waits for every process, and what is told of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engine.cli import changing
from engine.cli.changing import Change, show_change, wait_for_all
from engine.cli.standing import headline, show_standing

DONE = {"revision": "abc", "state": "active", "problems": [], "behind": ["b"]}


class Owner:
    """Answers one standing after the other, the last one again and again."""

    def __init__(self, *standings: dict[str, Any]) -> None:
        self._standings = list(standings)

    async def get(self, path: str) -> Any:
        assert path == "/revisions/now"
        return self._standings.pop(0) if len(self._standings) > 1 else self._standings[0]


def standing(active: str = "abc", **stages: str) -> dict[str, Any]:
    processes = [{"worker": name, "stage": stage, "problem": f"{name} {stage}"} for name, stage in stages.items()]
    return {"active": {"revision": active}, "processes": processes}


def waited(*standings: dict[str, Any], within: float = 30.0, state: str = "active") -> Change:
    change = Change({**DONE, "state": state}, True)
    return asyncio.run(wait_for_all(Owner(*standings), change, within))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changing, "LOOK", 0.0)


def test_all_are_waited_for() -> None:
    change = waited(
        standing(a="running", b="not yet"), standing(a="running", b="ready"), standing(a="running", b="running")
    )

    assert change.good and change.answer["behind"] == []


def test_one_that_fails_ends_the_wait() -> None:
    change = waited(standing(a="running", b="failed"))

    assert not change.good and change.answer["problems"] == [{"worker": "b", "why": "b failed"}]


def test_the_wait_has_an_end() -> None:
    change = waited(standing(a="running", b="not yet"), within=1e-9)

    assert not change.good and change.answer["behind"] == ["b"]


def test_another_revision_meanwhile_is_no_success() -> None:
    change = waited(standing("other", a="running"))

    assert not change.good and "another revision became active" in change.answer["problems"][0]["why"]


def test_without_waiting_it_is_good_once_it_is_decided(capsys: pytest.CaptureFixture[str]) -> None:
    change = waited(standing(a="failed"), within=0.0)

    assert change.good and not waited(standing(a="running"), state="rejected").good
    show_change(change)
    assert "not there yet: b" in capsys.readouterr().err


def test_status_tells_processes_that_are_not_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    active = {"number": 7, "revision": "abcdef0123456789", "author": "ana", "reason": "refunds"}
    told = {
        "wanted": {"revision": "fedcba9876543210"},
        "active": active,
        "processes": [
            {"worker": "host-1", "stage": "ready", "runs": "abcdef0123456789", "problem": ""},
            {"worker": "host-2", "stage": "refused", "runs": "abcdef0123456789", "problem": "no way to the bank"},
        ],
        "last_error": {"at": "2026-03-14T12:00:00Z", "text": "not all could", "problems": ["routes/a.yaml:3:1 TF1"]},
        "probation": [{"route": "posting", "since": "2026-03-14T12:00:00Z"}],
        "retiring": ["refund"],
    }

    assert headline({"state": "running", "running": True, "revision": "x", "revisions": told}) == (
        "running, revision 7 (abcdef012345), by ana: refunds"
    )
    show_standing(told)
    lines = capsys.readouterr().out
    assert "host-2" in lines and "fedcba987654" in lines and "abcdef012345" in lines and "no way to the bank" in lines
    assert "routes/a.yaml:3:1 TF1" in lines and "posting is on probation" in lines and "refund" in lines

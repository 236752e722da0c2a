"""What kills the process is found among what runs beside it, and waits for a person; everything else is done."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from engine.runtime.parent import Parent

ROOT = Path(__file__).resolve().parents[2]


def test_events_and_documents_that_kill_become_work_items_and_all_others_are_posted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    said: list[str] = []
    command = [sys.executable, "-m", "tests.runtime.deadly", str(tmp_path)]
    parent = Parent(command, tmp_path / "watch", frozenset({0}), said.append, sleep=lambda seconds: None)

    assert parent.run() == 0, said

    outcome = json.loads((tmp_path / "outcome.json").read_text())
    assert [(level, route, reason, json.loads(search)) for level, route, reason, search in outcome["items"]] == [
        ("event", "posting", "poison", {"key": "A|3", "key.1": "A", "key.2": "3", "file": "good.json"}),
        ("event", "posting", "poison", {"key": "A|5", "key.1": "A", "key.2": "5", "file": "good.json"}),
        ("record", "ingest", "poison", {"file": "deadly.json"}),
    ]
    assert outcome["applied"] == [["copying", 6], ["posting", 4]]
    assert outcome["waiting"] == 0
    assert len(said) == 5, said

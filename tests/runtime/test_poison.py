"""What kills the process is found among what runs beside it, and waits for a person; everything else is done."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from engine.runtime.parent import Parent
from engine.runtime.watch import executing_file
from tests.forking import context
from tests.runtime import deadly


@dataclass
class Forking(Parent):
    """A parent whose children are forked; the real ones are in tests/proof/test_poison_processes.py."""

    place: Path = field(default_factory=Path)

    def _one_life(self, number: int) -> int:
        executing_file(self.folder, number).unlink(missing_ok=True)
        child = context.Process(target=deadly.life, args=(self.place, self.folder, number), daemon=True)
        child.start()
        child.join()
        assert child.exitcode is not None
        return child.exitcode


def test_events_and_documents_that_kill_become_work_items_and_all_others_are_posted(tmp_path: Path) -> None:
    said: list[str] = []
    parent = Forking([], tmp_path / "watch", frozenset({0}), said.append, sleep=lambda seconds: None, place=tmp_path)

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

"""What kills the process that works on it: found by the parent, set aside for a person, and its neighbours go on."""

from __future__ import annotations

import os
from pathlib import Path

from tests.proof import checker, projects, till
from tests.proof.conftest import Outside
from tests.proof.place import ROOT, Place

SITE = ROOT / "tests" / "proof" / "site"
DEADLY = "steps:\n  - {id: deadly, deadly: {}}\n"


def test_an_event_that_kills_is_a_work_item_and_its_neighbours_are_posted(outside: Outside, tmp_path: Path) -> None:
    environ = {
        "OUTSIDE": f"{outside.url}/poison/none",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(SITE)]),
    }
    place = Place(tmp_path, projects.project(projects.posting(projects.sink("idempotency_key"), DEADLY)), environ)
    sales = [till.sale(n, **({"note": "deadly"} if n == 2 else {})) for n in range(6)]
    place.drop("day.jsonl", till.written(sales))

    life = place.start(alone=False)
    assert place.quiet(life), place.told()
    place.drop("evening.jsonl", till.written([till.sale(9)]))
    assert place.quiet(life), place.told()
    assert life.stop() == 0

    (item,) = place.items()
    assert (item["reason"], item["level"], item["search"]["key.2"]) == ("poison", "event", "A0002")
    posted = {f"A000{n}": [f"{n}.25"] for n in (0, 1, 3, 4, 5, 9)}
    assert checker.of_log(outside.folder / "poison", "once") == posted
    assert 2 <= place.told().count("died (signal 9)") <= 3, place.told()  # a death in company leaves a doubt

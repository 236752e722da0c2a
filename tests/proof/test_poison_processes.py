"""What kills the process that works on it: found by the parent, set aside for a person, and its neighbours go on."""

from __future__ import annotations

import os
from pathlib import Path

from tests.proof import checker, projects, till
from tests.proof.conftest import Outside
from tests.proof.place import ROOT, Place

SITE = ROOT / "tests" / "proof" / "site"
DEADLY = "steps:\n  - {id: deadly, deadly: {}}\n"


def place_of(folder: Path, outside: Outside) -> Place:
    environ = {
        "OUTSIDE": f"{outside.url}/{folder.name}/none",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(SITE)]),
    }
    return Place(folder, projects.project(projects.posting(projects.sink("idempotency_key"), DEADLY)), environ)


def test_an_event_that_kills_is_a_work_item_and_its_neighbours_are_posted(outside: Outside, tmp_path: Path) -> None:
    place = place_of(tmp_path, outside)
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
    assert checker.of_log(outside.folder / tmp_path.name, "once") == posted
    assert 2 <= place.told().count("died (signal 9)") <= 3, place.told()  # a death in company leaves a doubt


def test_a_plugin_that_leaves_on_purpose_does_not_take_the_engine_along(outside: Outside, tmp_path: Path) -> None:
    place = place_of(tmp_path, outside)
    sales = [till.sale(n, **({"note": "leaving"} if n == 1 else {})) for n in range(3)]
    place.drop("day.jsonl", till.written(sales))

    life = place.start()
    assert place.quiet(life), f"it ended with {life.code}: {place.told()}"
    assert life.stop() == 0

    (item,) = place.items()
    assert (item["reason"], item["search"]["key.2"]) == ("step-crashed", "A0001")
    assert checker.of_log(outside.folder / tmp_path.name, "once") == {"A0000": ["0.25"], "A0002": ["2.25"]}

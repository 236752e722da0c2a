"""What was decided stays decided: on real files, with the project edited between a kill and the next start."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.proof import checker, projects, till
from tests.proof.conftest import Outside
from tests.proof.place import KILLED, ROOT, Place

DECIDED = "inbox-open:2"  # by the posting route; the first is ingest's
SITE = ROOT / "tests" / "proof" / "site"
ITEMS = '  - {id: items, split: {in: "LIST", key: sku}}\n'
TO_ITEM = (
    "  - {id: out, use: core.http, connection: shop, action: post, "
    "with: {path: {const: /once}, body: {reference: sku, total: {const: 1}}}, retry: {give_up_after: 1h}}\n"
)
TABLES = "tillflow: 1\ntables:\n  kinds: {csv: ../mappings/tables/kinds.csv, key: store}\n"
EITHER = "".join(
    f"  - {{id: {kind}, use: core.http, connection: shop, action: post, effect: books, "
    f"when: \"lookup('kinds', store).kind == '{kind}'\", "
    "with: {path: {const: /" + kind + "}, body: {reference: receipt, total: total}}}\n"
    for kind in ("line", "summary")
)


def place_of(folder: Path, outside: Outside, files: dict[str, str], trouble: str = "none", paths: str = "") -> Place:
    """A place whose shop writes into a log named after the folder."""
    environ = {"OUTSIDE": f"{outside.url}/{folder.name}/{trouble}"}
    return Place(folder, files, environ | ({"PYTHONPATH": os.pathsep.join([str(ROOT), paths])} if paths else {}))


def killed_at(place: Place, point: str) -> None:
    assert place.died(place.start(point)) == KILLED


def run_on(place: Place) -> None:
    life = place.start()
    assert place.quiet(life), f"{life.code}: {place.told()}"
    assert life.stop() == 0


def made(outside: Outside, place: Place, way: str = "once") -> dict[str, list[str]]:
    return checker.of_log(outside.folder / place.folder.name, way)


@pytest.mark.parametrize("point", [DECIDED, "router-published:2", "router-routed:2"])
def test_a_split_whose_list_was_edited_sends_what_was_decided(point: str, outside: Outside, tmp_path: Path) -> None:
    def files(path: str) -> dict[str, str]:
        return projects.project(projects.posting(TO_ITEM, "steps:\n" + ITEMS.replace("LIST", path)))

    place = place_of(tmp_path, outside, files("lines"))
    lines = [{"sku": "a", "keep": True}, {"sku": "b", "keep": False}, {"sku": "c", "keep": True}]
    place.drop("day.jsonl", till.written([till.sale(1, lines=lines)]))
    killed_at(place, point)

    place.edit(files("lines[?is_true(keep)]"))
    run_on(place)

    assert {name: len(times) for name, times in made(outside, place).items()} == {"a": 1, "b": 1, "c": 1}
    assert place.items() == []


def test_an_outcome_that_a_table_changed_is_a_work_item_and_goes_one_way_when_it_is_replayed(
    outside: Outside, tmp_path: Path
) -> None:
    table = "mappings/tables/kinds.csv"
    more = {"routes/tables.yaml": TABLES, table: "store,kind\nA,line\n"}
    place = place_of(tmp_path, outside, projects.project(projects.posting(EITHER), more))
    place.drop("day.jsonl", till.written([till.sale(1), till.sale(2)]))
    killed_at(place, DECIDED)
    place.edit({table: "store,kind\nA,summary\n"})

    run_on(place)

    assert made(outside, place, "line") == made(outside, place, "summary") == {}
    assert {item["reason"] for item in place.items()} == {"outcome-changed"}
    assert {item["search"]["key.2"] for item in place.items()} == {"A0001", "A0002"}
    for item in place.items():
        place.cli("work", "replay", item["id"], "--reason", "they are summed up from now on", "--actor", "finance")
    run_on(place)
    assert made(outside, place, "line") == {}
    assert made(outside, place, "summary") == {"A0001": ["1.25"], "A0002": ["2.25"]}


def test_an_outcome_whose_plan_cannot_be_made_any_more_is_a_work_item(outside: Outside, tmp_path: Path) -> None:
    stamped = projects.posting(projects.sink("idempotency_key"), "steps:\n  - {id: mark, stamp: {word: checked}}\n")
    place = place_of(tmp_path, outside, projects.project(stamped), paths=str(SITE))
    place.drop("day.jsonl", till.written([till.sale(1)]))
    killed_at(place, DECIDED)
    place.environ["PYTHONPATH"] = str(ROOT)  # the plugin is not installed any more
    place.edit(projects.project(projects.posting(projects.sink("idempotency_key"))))

    run_on(place)

    assert made(outside, place) == {}
    (item,) = place.items()
    assert (item["reason"], item["level"], item["search"]["key.2"]) == ("outcome-changed", "event", "A0001")


def test_a_copy_that_returns_after_its_work_item_was_replayed_edited_is_let_go_of(
    outside: Outside, tmp_path: Path
) -> None:
    files = projects.project(projects.posting(projects.sink("idempotency_key")))
    place = place_of(tmp_path, outside, files, trouble="deny")
    place.drop("day.jsonl", till.written([till.sale(1)]))
    killed_at(place, "work-item-written")  # the first copy was not acked: it comes back
    place.environ["OUTSIDE"] = f"{outside.url}/{tmp_path.name}/none"
    (item,) = place.items()
    edited = tmp_path / "edited.json"
    body = place.ask("work", "show", item["id"])["body"]
    edited.write_text(json.dumps(body | {"body": {"reference": "A0001", "total": "7"}}), "utf-8")

    place.cli("work", "edit", item["id"], "--file", str(edited), "--reason", "the price was wrong", "--actor", "anna")
    place.cli("work", "replay", item["id"], "--reason", "mended", "--actor", "anna")
    run_on(place)

    assert made(outside, place) == {"A0001": ["7"]}
    assert place.items() == []
    details = [line["detail"] for line in place.ask("trace", "A0001")["entries"] if line["what"] == "duplicate"]
    assert "an older copy" in details

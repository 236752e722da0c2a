"""Many keys with many events each, through kills and restarts: strictly increasing at the sink, each once."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.faults.conftest import Make
from tests.faults.own import OwnPostgres
from tests.faults.story import RETRY, Ground, Story, wide
from tests.proof import projects, till
from tests.proof.conftest import Outside
from tests.proof.place import KILLED
from tests.rabbitmq_broker import broker

pytestmark = pytest.mark.services

KEYS, EACH, PER_FILE = 200, 200, 1000
ORDERED = "ordered: {on_failure: hold_key, gap_timeout: 15m}, "


def arrived(story: Story) -> int:
    """How many rows the sink has."""
    with closing(sqlite3.connect(f"file:{story.books}?mode=ro", uri=True)) as books:
        return int(books.execute("select count(*) from sales").fetchone()[0])


def project() -> dict[str, str]:
    """One route from the files to a table."""
    to = projects.sink("same_transaction", "books", ORDERED + RETRY)
    files = projects.project(projects.posting(to, source=projects.FROM_FILES + "accepts: sale@1\n"))
    del files["routes/ingest.yaml"]
    return wide(files) | {"mappings/schemas/sale@1.yaml": projects.NUMBERED}


def test_each_key_arrives_in_its_order(make: Make, outside: Outside, plane: str, own_postgres: OwnPostgres) -> None:
    story = make(Ground(broker(), own_postgres.dsn, outside, plane), project())
    with closing(sqlite3.connect(story.books)) as books:
        books.execute("pragma journal_mode = wal")
        books.execute("create table sales(store text, reference text, total text)")
    stores = [f"S{number:03d}" for number in range(KEYS)]
    sales = [till.sale(turn, store, turn=turn) for turn in range(1, EACH + 1) for store in stores]
    for at in range(0, len(sales), PER_FILE):
        story.drop(f"{at:06}.jsonl", till.written(sales[at : at + PER_FILE]))

    life = story.cast()
    for part, kill in ((1, True), (2, False), (3, True)):
        story.until(life, lambda at=part: arrived(story) >= at * len(sales) // 4)
        assert life.kill() == KILLED if kill else life.stop(40.0) == 0
        life = story.cast()
    story.until(life, lambda: arrived(story) == len(sales), within=120.0)
    story.until(life, lambda: not story.moving())
    assert life.stop(40.0) == 0

    assert story.items() == []
    with closing(sqlite3.connect(f"file:{story.books}?mode=ro", uri=True)) as books:
        rows = books.execute("select store, reference from sales order by rowid").fetchall()
    came: dict[str, list[int]] = {}
    for store, reference in rows:
        came.setdefault(store, []).append(int(reference[4:]))
    assert came == {store: list(range(1, EACH + 1)) for store in stores}

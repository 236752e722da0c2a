"""Fiscal chains across kills: tills wait for each receipt's record, and ask again when they got no answer.

Each cash box's chain verifies from end to end and has one record per receipt; a receipt that was answered is answered
the same again, by whichever process.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests import postgres_server, rabbitmq_broker
from tests.proof.chains import RULES, TABLE, Rule, check
from tests.proof.conftest import SideBySide, chosen
from tests.proof.place import KILLED, ROOT, Life, Place
from tests.proof.shared import cell
from tests.proof.tillrow import BOXES, TillRow, selling

SITE = ROOT / "tests" / "proof" / "site"
EACH = 200  # receipts of a box
KILLS = 5
ASKED_AGAIN = 50  # receipts whose tills ask once more when all is over


@dataclass(frozen=True)
class Ended:
    """Where everything is, what the tills got, and how each process ended."""

    place: Place
    books: Path
    row: TillRow
    codes: list[int]


def environ(rule: Rule, folder: Path) -> dict[str, str]:
    """What a place of this story needs; its folder and its table are made."""
    (folder / "doors").mkdir(parents=True)
    with closing(sqlite3.connect(folder / "books.db")) as books:
        books.execute("pragma journal_mode = wal")
        books.execute(TABLE)
    paths = os.pathsep.join([str(ROOT), str(SITE)])
    named = {"BOOKS": f"sqlite:///{folder / 'books.db'}", "DOORS": str(folder / "doors"), "PYTHONPATH": paths}
    return {**named, **rule.environ()}


def sold(places: Sequence[Place], row: TillRow, seed: str) -> tuple[list[Life], list[int]]:
    """Tills sell while one process or another is killed and started again, after so many receipts and a moment more.

    Those that live in the end, and how the others ended.
    """
    random, codes = Random(seed), []
    lives = [place.running(place.start()) for place in places]
    moments = sorted(random.sample(range(row.whole // 20, row.whole * 9 // 10), KILLS))
    with selling(row) as done:
        for moment in moments:
            places[0].until(lives[0], lambda at=moment: len(row.answered) >= at or done.done())
            time.sleep(random.uniform(0.0, 0.05))
            at = random.randrange(len(places))
            codes.append(lives[at].kill())
            lives[at] = places[at].start()
        places[0].until(lives[0], done.done)
        done.result()
    asyncio.run(row.ask_again(ASKED_AGAIN))
    return lives, codes


def alone(rule: Rule, folder: Path) -> Ended:
    """One process over SQLite."""
    place = Place(folder, rule.files(), environ(rule, folder))
    row = TillRow(folder / "doors", EACH, rule.name)
    (life,), codes = sold([place], row, rule.name)
    assert place.quiet(life)
    return Ended(place, folder / "books.db", row, [*codes, life.stop()])


def together(rule: Rule, folder: Path) -> Ended:
    """Two workers over RabbitMQ and PostgreSQL."""
    with cell() as made:
        given = environ(rule, folder)
        places = [made.place(folder / name, rule.files(), given) for name in ("one", "other")]
        row = TillRow(folder / "doors", EACH, rule.name)
        lives, codes = sold(places, row, rule.name)
        places[0].until(lives[0], lambda: _at_rest(places[0]))
        assert places[0].items() == []
        return Ended(places[0], folder / "books.db", row, [*codes, *(life.stop(40.0) for life in lives)])


def _at_rest(place: Place) -> bool:
    """Looks seldom: what is looked at costs something here."""
    time.sleep(0.3)
    return not place.moving()


def verdict(rule: Rule, ended: Ended) -> None:
    row = ended.row
    assert ended.codes[:KILLS] == [KILLED] * KILLS and set(ended.codes[KILLS:]) == {0}
    assert len(row.answered) == row.whole == EACH * len(BOXES)
    assert row.differing == []
    assert row.repeats > ASKED_AGAIN
    assert row.refused == []
    check(rule, ended.books, row.answered)


def side_by_side(story: Callable[[Rule, Path], Ended], *needed: Callable[[], Any]) -> Any:
    """A fixture: this story under each rule, at once; what is needed is made for all of them before."""

    @pytest.fixture(scope="module")
    def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SideBySide]:
        for each in needed:
            each()
        folder = tmp_path_factory.mktemp(story.__name__)
        made = SideBySide(lambda rule: story(rule, folder / rule.name), chosen(request, "rule"))
        yield made
        made.close()

    return running


ended_alone = side_by_side(alone)
ended_together = side_by_side(together, postgres_server.needed_server, rabbitmq_broker.broker)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_an_engine_that_is_killed_issues_one_record_per_receipt(rule: Rule, ended_alone: SideBySide) -> None:
    ended: Ended = ended_alone[rule]

    verdict(rule, ended)
    assert ended.place.items() == []


@pytest.mark.services
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_two_workers_that_are_killed_issue_one_record_per_receipt(rule: Rule, ended_together: SideBySide) -> None:
    verdict(rule, ended_together[rule])

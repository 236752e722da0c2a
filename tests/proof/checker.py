"""The independent checker: what tills wrote, against what outside systems say they did.

It knows nothing of the engine but the list of open work items, which says which sales wait for a person.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.proof.till import sold


@dataclass
class Found:
    """What became of the sales of one sink.

    effects   receipt -> the amounts it was done with, one for each time
    waiting   receipts of which a work item is open, with its reason
    """

    effects: dict[str, list[str]] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)

    @property
    def doubled(self) -> set[str]:
        return {receipt for receipt, times in self.effects.items() if len(times) > 1}

    @property
    def done(self) -> set[str]:
        return set(self.effects)


def of_log(log: Path, way: str) -> dict[str, list[str]]:
    """Effects of one kind of request in the log of tests/proof/outside.py, without groups (see `groups_of`)."""
    found: dict[str, list[str]] = {}
    for line in log.read_text("utf-8").splitlines() if log.exists() else []:
        one = json.loads(line, parse_float=str)
        if one["what"] == "effect" and one["way"] == way and "receipts" not in one["body"]:
            found.setdefault(one["body"]["reference"], []).append(str(one["body"]["total"]))
    return found


def of_table(books: Path, sql: str = "select reference, total from sales") -> dict[str, list[str]]:
    """Effects in a table."""
    found: dict[str, list[str]] = {}
    with closing(sqlite3.connect(f"file:{books}?mode=ro", uri=True)) as database:
        for reference, total in database.execute(sql):
            found.setdefault(reference, []).append(total)
    return found


def waiting(items: Iterable[Mapping[str, Any]], sink: str = "") -> dict[str, str]:
    """Receipts of open work items of this sink; also those of events that no sink got."""
    found = {}
    for item in items:
        if item["sink"] in ("", sink):
            key = item["search"]["key"]
            found[key.rpartition("|")[2]] = item["reason"]
    return found


def check(found: Found, folders: Iterable[Path], guarantee: str) -> None:
    """Every sale that was sold was applied once, or waits. Raises AssertionError naming the sales that were not."""
    wanted = sold(*folders)
    assert wanted, "no sale was ever written: this proves nothing"
    lost = wanted.keys() - found.done - found.waiting.keys()
    assert not lost, f"{guarantee}: neither applied nor waiting: {sorted(lost)}"
    invented = found.done - wanted.keys()
    assert not invented, f"{guarantee}: applied and never sold: {sorted(invented)}"
    wrong = {receipt: times for receipt, times in found.effects.items() if set(times) != {wanted[receipt]}}
    assert not wrong, f"{guarantee}: applied with other amounts: {wrong}"
    if guarantee != "at_least_once":
        assert not found.doubled, f"{guarantee}: applied more than once: {sorted(found.doubled)}"
    if guarantee == "at_most_once":
        assert set(found.waiting.values()) <= {"unknown-outcome"}, found.waiting
    else:
        assert not found.waiting, f"{guarantee}: waits though it could be done: {found.waiting}"


def groups_of(log: Path, name: str) -> list[Mapping[str, Any]]:
    """The groups that were posted to `/once/<name>` in the log of tests/proof/outside.py."""
    found = [json.loads(line, parse_float=str) for line in log.read_text("utf-8").splitlines()] if log.exists() else []
    return [one["body"] for one in found if one["what"] == "effect" and one["name"] == name]


def check_groups(groups: Iterable[Mapping[str, Any]], folders: Iterable[Path], what: str) -> None:
    """Every sale that was sold is in one group, once, and each sum is exact."""
    wanted = sold(*folders)
    assert wanted, "no sale was ever written: this proves nothing"
    counted: list[str] = []
    for group in groups:
        counted += group["receipts"]
        exact = sum((Decimal(wanted[receipt]) for receipt in group["receipts"]), Decimal(0))
        assert Decimal(str(group["total"])) == exact, f"{what}: the sum is not that of its members: {group}"
        assert group["members"] == len(group["receipts"]), f"{what}: {group}"
    assert sorted(counted) == sorted(wanted), f"{what}: not each sale counted once"

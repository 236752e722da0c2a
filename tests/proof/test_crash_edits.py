"""Killed between routing and ack, the project edited, started again: the recorded Plan decides, no sale goes two ways.

The shipped routes on real files. After each story finance has each sale once, in balance, and stock has its moves once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine.cli.demo.receipts import Receipt
from tests.proof.conftest import SideBySide, chosen
from tests.proof.place import KILLED
from tests.proof.shop import Shop, csv_de, pieces, poslog, receipts, reference

POSTING, SUMMARY = "routes/sales-posting.yaml", "routes/sales-summary.yaml"
MOMENTS = ("inbox-open:2", "router-published:2", "router-routed:2")  # in sales-posting; the first is pos-ingest's
TO_SUMMARY = {
    POSTING: ("values: [line, summary], default: line", "values: [line, summary], default: summary"),
    SUMMARY: ("within: 1h", "within: 1s"),
}
EDITS: dict[str, Mapping[str, tuple[str, str]]] = {
    "a mapping": {"mappings/sale-to-journal.yaml": ("Sale {{", "Receipt {{")},
    "a table row": {"mappings/tables/accounts.csv": ("tender,cash,100010", "tender,cash,111111")},
    "a when": {POSTING: ("map: sale-to-stock-moves", "map: sale-to-stock-moves\n    when: totals.gross > `100000`")},
    "line to summary": TO_SUMMARY,
    "a sink's name": {POSTING: ("- id: erp\n", "- id: finance\n")},
    "a filter": {POSTING: ("when: is_true(training)  ", "when: totals.gross > `0`  ")},
}


@dataclass(frozen=True)
class Story:
    """When it is killed, and what is edited before the next start."""

    edit: str
    moment: str

    def __str__(self) -> str:
        return f"{self.edit.replace(' ', '-')}-{self.moment}"


@dataclass(frozen=True)
class Told:
    """What the outside has at the end, and what waits for a person."""

    shop: Shop
    made: list[Receipt]
    items: list[Mapping[str, Any]] = field(default_factory=list)

    def once(self) -> None:
        """Each sale is posted once and in balance, its stock moved once, and nothing else happened."""
        assert self.items == []
        assert self.shop.posted() == {reference(receipt): 1 for receipt in self.made}
        assert self.shop.balance() == 0
        assert self.shop.moved() == {reference(receipt): pieces(receipt) for receipt in self.made}


STORIES = [Story(edit, moment) for edit in EDITS for moment in MOMENTS]


def ended(shop: Shop, made: list[Receipt]) -> Told:
    """Run until quiet, stop, and look."""
    life = shop.start()
    assert shop.quiet(life), shop.told()
    assert life.stop() == 0
    return Told(shop, made, shop.items())


@pytest.fixture(scope="module")
def stories(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[SideBySide]:
    folder = tmp_path_factory.mktemp("edits")
    running = SideBySide(lambda story: carry_out(story, folder / str(story)), chosen(request, "story"))
    yield running
    running.close()


def carry_out(story: Story, folder: Path) -> Told:
    shop, made = Shop(folder), receipts()
    shop.drop("day.xml", poslog(made))
    assert shop.died(shop.start(story.moment)) == KILLED
    shop.change(EDITS[story.edit])
    shop.drop("again.csv", csv_de(made))  # and all of it once more, as the other format has it
    return ended(shop, made)


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_an_edit_between_a_kill_and_the_redelivery_sends_no_sale_two_ways(story: Story, stories: SideBySide) -> None:
    told: Told = stories[story]

    told.once()
    if story.edit == "a mapping":
        assert {text[:4] for (text,) in told.shop.rows("select description from journal_entries")} == {"Sale"}


def test_after_the_switch_new_sales_go_the_new_way_and_old_ones_stay_where_they_are(tmp_path: Path) -> None:
    shop, old, new = Shop(tmp_path), receipts(2), receipts(2, first=2)
    shop.drop("old.xml", poslog(old))
    assert shop.died(shop.start("router-published:2")) == KILLED
    shop.change(TO_SUMMARY)
    shop.drop("new.xml", poslog([*old, *new]))

    ended(shop, old)

    single = {reference(receipt): 1 for receipt in old}
    summed = {name: count for name, count in shop.posted().items() if name not in single}
    assert shop.posted().items() >= single.items() and list(summed.values()) == [1]
    sums = shop.rows(f"select sum(debit) from journal_lines where entry = '{next(iter(summed))}'")
    assert f"{sums[0][0]:.2f}" == f"{sum(receipt.gross for receipt in new):.2f}"
    assert shop.balance() == 0
    assert shop.moved() == {reference(receipt): pieces(receipt) for receipt in [*old, *new]}


@pytest.mark.parametrize("moment", ["ingress-published", "router-published:1", "router-published:2"])
def test_the_same_receipts_in_two_formats_are_posted_once(moment: str, tmp_path: Path) -> None:
    shop, made = Shop(tmp_path), receipts()
    shop.drop("day.csv", csv_de(made))
    shop.drop("day.xml", poslog(made))
    assert shop.died(shop.start(moment)) == KILLED

    ended(shop, made).once()


def test_a_days_file_sent_again_after_a_mapping_was_mended_posts_nothing_and_contradicts_nothing(
    tmp_path: Path,
) -> None:
    mapping, right = "mappings/poslog-to-sale.yaml", "{Cash: cash,"
    shop, made = Shop(tmp_path, {mapping: (right, "{Cash: voucher,")}), receipts()
    shop.drop("day.xml", poslog(made))
    before = ended(shop, made)
    before.once()
    lines = shop.rows("select * from journal_lines order by entry, line_no")
    shop.change({mapping: ("{Cash: voucher,", right)})
    shop.drop("day-again.xml", poslog(made).replace(b"\n</POSLog>", b"\n\n</POSLog>"))

    after = ended(shop, made)

    after.once()
    assert shop.rows("select * from journal_lines order by entry, line_no") == lines
    entries = shop.ask("trace", f"receipt={made[0].number}")["entries"]
    assert {entry["detail"] for entry in entries if entry["what"] == "duplicate"} == {"duplicate (other plan)"}

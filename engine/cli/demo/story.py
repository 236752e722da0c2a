"""What happens on the demo's day: the files tills write, and what goes wrong in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from engine.cli.demo import files
from engine.cli.demo.receipts import STORES, Receipt, Store, day, with_unknown_sku, with_wrong_tax

UNKNOWN_AT, WRONG_TAX_AT = 3, 7  # positions of the receipts that go wrong in the first store's first till


@dataclass(frozen=True)
class Story:
    """The files to drop, and what is in them.

    files     name -> content, in the order they are dropped
    receipts  every receipt, once each, however many files it is in
    gross     sum of the amounts of each store's receipts, by store id
    """

    files: dict[str, bytes]
    receipts: list[Receipt]

    def gross(self) -> dict[str, Decimal]:
        totals: dict[str, Decimal] = {}
        for receipt in self.receipts:
            totals[receipt.store] = totals.get(receipt.store, Decimal(0)) + receipt.gross
        return totals


def tell() -> Story:
    """The day: correct files, an unknown SKU, a wrong tax, duplicates in one format and across two, a corrupt file."""
    receipts = day()
    first = receipts[STORES[0].id]
    first[UNKNOWN_AT] = with_unknown_sku(first[UNKNOWN_AT])
    first[WRONG_TAX_AT] = with_wrong_tax(first[WRONG_TAX_AT])
    made = dict(named for store in STORES for named in _of_store(store, receipts[store.id]))
    name, content = next(iter(made.items()))
    made[f"again-{name}"] = content
    made["export-0013.csv"] = files.csv_de(_without_training(receipts[STORES[1].id])[:10])
    made["broken-0012.xml"] = content[: len(content) // 2]
    everything = [receipt for store in STORES for receipt in receipts[store.id]]
    return Story(made, everything)


def _without_training(receipts: list[Receipt]) -> list[Receipt]:
    return [receipt for receipt in receipts if not receipt.training]


def _of_store(store: Store, receipts: list[Receipt]) -> Iterator[tuple[str, bytes]]:
    for till in store.tills:
        own = [receipt for receipt in receipts if receipt.till == till]
        stem = f"{store.id}-{till}"
        if store.format == "poslog":
            yield f"{stem}.xml", files.with_opening(files.poslog(own), store.id, till)
        elif store.format == "csv-de":
            yield f"{stem}.csv", files.csv_de(own)
        else:
            yield f"{stem}.csv", files.csv_us(own)


def drop(story: Story, inbox: Path) -> None:
    """Write the files as tills do: under another name first, then renamed."""
    inbox.mkdir(parents=True, exist_ok=True)
    for name, content in story.files.items():
        partial = inbox / f".{name}.part"
        partial.write_bytes(content)
        partial.rename(inbox / name)

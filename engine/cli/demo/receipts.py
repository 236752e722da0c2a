"""The receipts of one business day of several stores: made up from a seed, so every run tells the same story."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
DAY = "2026-03-14"


@dataclass(frozen=True)
class Product:
    sku: str
    gtin: str
    name: str
    price: Decimal
    rates: dict[str, int]  # country -> VAT percent


@dataclass(frozen=True)
class Line:
    """One line; amounts include tax and are negative on a return."""

    product: Product
    quantity: int
    discount: Decimal
    rate: int

    @property
    def gross(self) -> Decimal:
        return self.quantity * self.product.price - self.discount

    @property
    def tax(self) -> Decimal:
        return (self.gross * self.rate / (100 + self.rate)).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Receipt:
    """One receipt. `tax_shift` makes the till's tax total wrong by that much."""

    store: str
    till: str
    number: int
    time: str
    currency: str
    lines: tuple[Line, ...]
    card: bool = False
    returned: bool = False
    training: bool = False
    loyalty: str = ""
    tax_shift: Decimal = Decimal(0)

    @property
    def gross(self) -> Decimal:
        return sum((line.gross for line in self.lines), Decimal(0))

    @property
    def tax(self) -> Decimal:
        return sum((line.tax for line in self.lines), Decimal(0)) + self.tax_shift


PRODUCTS = (
    Product("SKU-1001", "8437001120017", "Café en grano 1 kg", Decimal("18.50"), {"ES": 10, "DE": 7, "US": 0}),
    Product("SKU-1002", "8437001120024", "Camiseta algodón M", Decimal("12.00"), {"ES": 21, "DE": 19, "US": 0}),
    Product("SKU-1003", "8437001120031", "Agua mineral 0,5 l", Decimal("0.90"), {"ES": 10, "DE": 19, "US": 0}),
    Product("SKU-1004", "8437001120048", 'Libro "Till & Flow"', Decimal("21.95"), {"ES": 4, "DE": 7, "US": 0}),
    Product("SKU-1005", "8437001120055", "Bolsa <reutilizable>", Decimal("0.15"), {"ES": 21, "DE": 19, "US": 0}),
)
UNKNOWN = Product(
    "SKU-9999", "8437001129997", "Not in the product table", Decimal("5.00"), {"ES": 21, "DE": 19, "US": 0}
)


@dataclass(frozen=True)
class Store:
    """`format` is what its tills write: poslog, csv-de or csv-us."""

    id: str
    country: str
    currency: str
    format: str
    tills: tuple[str, ...] = ("03", "04")


STORES = (
    Store("0012", "ES", "EUR", "poslog"),
    Store("0013", "ES", "EUR", "poslog"),
    Store("0101", "DE", "EUR", "csv-de"),
    Store("0102", "DE", "EUR", "csv-de"),
    Store("9", "US", "USD", "csv-us", ("34",)),
)


def day(seed: int = 20260314, per_till: int = 12) -> dict[str, list[Receipt]]:
    """Receipts by store id, sales mostly, some returns and (where the format knows them) training receipts."""
    dice = random.Random(seed)
    return {store.id: [r for till in store.tills for r in _till(dice, store, till, per_till)] for store in STORES}


def _till(dice: random.Random, store: Store, till: str, count: int) -> Iterator[Receipt]:
    for index in range(count):
        clock = 9 * 3600 + index * 2400 + dice.randrange(600)
        receipt = Receipt(
            store=store.id,
            till=till,
            number=1001 + index,
            time=f"{clock // 3600:02d}:{clock // 60 % 60:02d}:{clock % 60:02d}",
            currency=store.currency,
            lines=tuple(_line(dice, store) for _ in range(dice.randint(1, 5))),
            card=dice.random() < 0.5,
            loyalty=f"L-{dice.randrange(1, 9):05d}" if store.format == "poslog" and dice.random() < 0.4 else "",
        )
        if index == count - 1:
            receipt = _returned(receipt)
        yield replace(receipt, training=True) if store.format == "poslog" and index == 5 else receipt


def _line(dice: random.Random, store: Store) -> Line:
    product = dice.choice(PRODUCTS)
    quantity = dice.randint(1, 3)
    discount = Decimal("0.10") if dice.random() < 0.2 and product.price > 1 else Decimal(0)
    return Line(product, quantity, discount, product.rates[store.country])


def _returned(receipt: Receipt) -> Receipt:
    line = receipt.lines[0]
    back = Line(line.product, -line.quantity, Decimal(0), line.rate)
    return replace(receipt, lines=(back,), card=False, returned=True, loyalty="")


def with_unknown_sku(receipt: Receipt) -> Receipt:
    """The receipt with a product nobody has in the table."""
    line = replace(receipt.lines[0], product=UNKNOWN, quantity=1, discount=Decimal(0))
    return replace(receipt, lines=(line, *receipt.lines[1:]), returned=False, training=False)


def with_wrong_tax(receipt: Receipt) -> Receipt:
    """The receipt with a tax total its lines do not add up to."""
    return replace(receipt, tax_shift=Decimal("0.50"), returned=False, training=False)

"""The sales of the relay: five lines, two tenders, about 849 bytes as compact JSON; the same for every contender."""

from __future__ import annotations

import random
from typing import Any

REGIONS = ("north", "south", "west")


def sale(number: int) -> dict[str, Any]:
    """The sale of this number; always the same one."""
    chance = random.Random(number)
    lines = [_line(place, chance) for place in range(1, 6)]
    total = sum(line["amount"] + line["tax"] for line in lines)
    return {
        "id": f"TX-{number:010d}",
        "type": "sale.completed",
        "version": 2,
        "store": {"id": f"S{number % 400:04d}", "region": REGIONS[number % 3], "name": "High Street"},
        "register": {"id": f"R{number % 9}", "cashier": f"C{number % 50}"},
        "times": {"opened": "2026-11-23T10:00:01Z", "closed": "2026-11-23T10:03:44Z"},
        "currency": "EUR",
        "lines": lines,
        "tenders": [
            {"type": "CARD", "amount": total - 500, "ref": f"AUTH{number:08d}"},
            {"type": "CASH", "amount": 500},
        ],
    }


def _line(place: int, chance: random.Random) -> dict[str, Any]:
    quantity, price = chance.randint(1, 4), chance.randint(99, 9999)
    return {
        "no": place,
        "sku": f"SKU-{chance.randint(100000, 999999)}",
        "desc": "Item description",
        "qty": quantity,
        "price": price,
        "amount": price * quantity,
        "tax": price * quantity // 5,
    }

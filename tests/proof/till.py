"""What tills write: sales in files of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Sale = dict[str, Any]


def sale(number: int, store: str = "A", **more: Any) -> Sale:
    """A sale whose amount tells it from every other one."""
    return {"store": store, "receipt": f"{store}{number:04d}", "date": "2026-03-14", "total": number + 0.25, **more}


def written(sales: Iterable[Sale]) -> bytes:
    """A file of them."""
    return b"".join(json.dumps(one).encode() + b"\n" for one in sales)


def sold(*folders: Path) -> dict[str, str]:
    """Receipt -> amount as it was written, of every sale in every file of these folders, however often it is there.

    In the order in which files pass them: one that goes on between two looks is in the next.
    """
    found: dict[str, str] = {}
    for folder in folders:
        for file in sorted(folder.iterdir()) if folder.exists() else []:
            try:
                text = file.read_text("utf-8")
            except FileNotFoundError:
                continue
            for line in text.splitlines():
                one = json.loads(line, parse_float=str, parse_int=str)
                found[one["receipt"]] = one["total"]
    return found

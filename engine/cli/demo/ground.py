"""Where the day happens: a copy of the project, whose connections lead to folders and databases of the day alone.

It stays when the day is over, with the addresses written into it, so that every command goes on from there: a product
can be added to its table and a work item replayed, and nothing of the shipped files changes.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from engine.cli.demo.receipts import UNKNOWN

_TABLES = """
create table if not exists journal_entries(
  reference text, date text, currency text, description text, customer text, fiscal_id text, fiscal_code text);
create table if not exists journal_lines(
  entry text, entry_date text, line_no integer, account text, debit text, credit text, cost_centre text);
"""
_STOCK = """
create table if not exists stock_moves(
  location text, sku text, bucket text, quantity text, kind text, reference text, line_no integer, business_date text);
"""
_VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::[^}]*)?\}")
PRODUCTS = Path("mappings/tables/products.csv")
MISSING = f"{UNKNOWN.sku},{UNKNOWN.gtin},Key ring,general,400040,yes"  # the row whose lack is a work item


def lay_down(project: Path, folder: Path, url: str) -> Path:
    """The copy, in `folder`/project, and the databases beside it. `url`: where the services of the day answer."""
    copy = folder / "project"
    for part in ("routes", "mappings"):
        shutil.copytree(project / part, copy / part)
    connections = copy / "routes" / "connections.yaml"
    addresses = _addresses(folder, url)

    def written(found: re.Match[str]) -> str:
        address = addresses.get(found[1])
        return found[0] if address is None else json.dumps(address.replace("${", "$${"), ensure_ascii=False)

    connections.write_text(_VARIABLE.sub(written, connections.read_text(encoding="utf-8")), encoding="utf-8")
    for name, tables in (("finance.db", _TABLES), ("stock.db", _STOCK)):
        with closing(sqlite3.connect(folder / name)) as database:
            database.executescript(tables)
    return copy


def _addresses(folder: Path, url: str) -> dict[str, str]:
    """Variables of the shipped connections, and what they are on this day."""

    def under(name: str) -> str:
        return str(folder / name)

    return {
        "POS_INBOX": under("pos/inbox"),
        "POS_ARCHIVE": under("pos/archive"),
        "POS_FAILED": under("pos/failed"),
        "OFFICE_INBOX": under("office/inbox"),
        "OFFICE_ARCHIVE": under("office/archive"),
        "OFFICE_FAILED": under("office/failed"),
        "LABELS_OUTBOX": under("labels"),
        "FINANCE_DB": f"sqlite:///{under('finance.db')}",
        "STOCK_DB": f"sqlite:///{under('stock.db')}",
        "PAYMENTS_URL": url,
        "LOYALTY_URL": url,
    }

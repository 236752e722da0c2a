"""The format `pos.poslog`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from connectors.core.formats.caps import MAX_SIZE, guard
from connectors.core.formats.xml_outline import require_kind
from connectors.core.formats.xml_tree import elements
from connectors.pos.poslog.elements import Malformed
from connectors.pos.poslog.schema import RECORD
from connectors.pos.poslog.transaction import read_key, read_transaction
from engine import sdk
from engine.sdk import BadRecord, Format, Options, Permanent, Record, Size

_MAJOR = re.compile(rb"""MajorVersion\s*=\s*["'](\d+)["']""")
_MINOR = re.compile(rb"""MinorVersion\s*=\s*["'](\d+)["']""")
_RECORD = ("POSLog", "Transaction")
_ACS = b"http://www.ncr.com/rsd/acs/"


@sdk.format("pos.poslog")
class PosLog(Format):
    """ARTS POSLog XML, one record per transaction, the same shape for every dialect.

    The record is `{transaction: {kind, store, till, number, business_date, lines, tenders, taxes, totals, ..}}`; `kind`
    is sale, return, mixed, no_sale, cancelled, suspended, void, control, tender_control, inventory_control or other.
    Returned goods and money paid out are negative. Voided lines stay, with `voided: true`, and count nowhere. `paid` of
    a line is what it cost after every discount and reward, `net + tax = gross`, whether the dialect writes taxes on
    lines or on the receipt, included or on top. What has no word here is kept in `others`, `body` and `extensions` in
    the normal form of XML. A transaction that cannot be read becomes a work item while its neighbours proceed.
    """

    class Config(Options):
        max_size: Size = Field(MAX_SIZE, description="Largest file that is read.", examples=["64MiB"])

    def __init__(self, config: Config) -> None:
        self._config = config

    def decode(self, content: bytes, name: str) -> Iterator[Record | BadRecord]:
        """The transactions in order."""
        guard(content, name, self._config.max_size)
        dialect = dialect_of(content)
        number = -1
        for number, element in enumerate(elements(content, name, _RECORD)):
            node = element.node
            try:
                yield Record({"transaction": read_transaction(node, dialect)}, number, node.line)
            except Malformed as error:
                failure = Permanent("bad-transaction", f"{name}, {error}", data={"file": name, "line": error.line})
                yield BadRecord(failure, number, error.line, element.raw, {"transaction": read_key(node)})
        if number < 0:
            require_kind(content, name, _RECORD, "/".join(_RECORD))

    def schema(self) -> dict[str, Any] | None:
        """The shape of one record."""
        return RECORD


def dialect_of(content: bytes) -> str:
    """`ncr-2` for logs of NCR ACS, otherwise the version the document states: `6.0`, or `unversioned`."""
    head = content[:4096]
    if _ACS in head:
        return "ncr-2"
    major, minor = _MAJOR.search(head), _MINOR.search(head)
    return f"{major[1].decode()}.{minor[1].decode() if minor else '0'}" if major else "unversioned"

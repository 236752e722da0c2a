"""The DEP export: every receipt of a cash box in groups of one certificate, and the check of a whole export."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.compliance.at_rksv import jws
from connectors.compliance.at_rksv.chain import check_signature, counted
from connectors.compliance.at_rksv.code import chain_value
from connectors.compliance.at_rksv.jws import Signed
from engine.sdk import Rejected

GROUPS, RECEIPTS = "Belege-Gruppe", "Belege-kompakt"
CERTIFICATE, AUTHORITIES = "Signaturzertifikat", "Zertifizierungsstellen"


@dataclass
class Report:
    """What a check found.

    counter   of turnover in cents after the last receipt; None when it cannot be known
    problems  a sentence for each receipt that is not right
    """

    receipts: int = 0
    signed: int = 0
    outage: int = 0
    training: int = 0
    cancellations: int = 0
    counter: int | None = None
    problems: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """As data of an event."""
        return dict(vars(self))


def export(receipts: Sequence[str], certificate: str = "", authorities: Sequence[str] = ()) -> dict[str, Any]:
    """Compact JWS in the order of their chain, as one group. Raises ValueError for one that is no receipt."""
    for position, text in enumerate(receipts, 1):
        try:
            jws.read(text)
        except ValueError as error:
            raise ValueError(f"receipt {position}: {error}") from None
    return {GROUPS: [{CERTIFICATE: certificate, AUTHORITIES: list(authorities), RECEIPTS: list(receipts)}]}


def check(document: Any, keys: Mapping[str, Any], aes: bytes | None) -> Report:
    """Every signature, chain value and turnover counter of an export. Raises ValueError when it is no export.

    Groups of several certificates may be interleaved in the chain; inside a group the order has to be right.
    """
    report = Report()
    waiting = [deque(group) for group in _groups(document, report)]
    head: str | None = None
    before: int | None = None
    while any(waiting):
        following = next((group for group in waiting if group and group[0].receipt.previous == head), None)
        group = following or next(group for group in waiting if group)
        signed = group.popleft()
        begins = signed.receipt.previous == chain_value(signed.receipt.box)
        if following is None and (head is not None or not begins):
            _say(
                report,
                signed,
                "its chain value is not that of the receipt before it"
                if head
                else "the export begins inside the chain",
            )
            before = None
        elif head is None:
            before = 0
        before = _receipt(report, signed, keys, aes, before)
        head = chain_value(signed.compact)
    report.counter = before
    return report


def _receipt(
    report: Report, signed: Signed, keys: Mapping[str, Any], aes: bytes | None, before: int | None
) -> int | None:
    receipt = signed.receipt
    report.receipts += 1
    report.signed += not signed.outage
    report.outage += signed.outage
    report.training += receipt.training
    report.cancellations += receipt.cancellation
    try:
        check_signature(signed, keys)
    except Rejected as refused:
        _say(report, signed, refused.detail)
    try:
        return counted(receipt, before, aes)
    except Rejected as refused:
        _say(report, signed, refused.detail)
        return None if aes is None else refused.data.get("counter")


def _say(report: Report, signed: Signed, text: str) -> None:
    report.problems.append(f"receipt {signed.receipt.number}: {text}")


def _groups(document: Any, report: Report) -> list[list[Signed]]:
    groups = document.get(GROUPS) if isinstance(document, Mapping) else None
    if not isinstance(groups, list):
        raise ValueError(f"it has no `{GROUPS}`, so it is no DEP export")
    return [_read(group, number, report) for number, group in enumerate(groups, 1)]


def _read(group: Any, number: int, report: Report) -> list[Signed]:
    texts = group.get(RECEIPTS) if isinstance(group, Mapping) else None
    if not isinstance(texts, list):
        raise ValueError(f"group {number} has no `{RECEIPTS}`")
    found = []
    for position, text in enumerate(texts, 1):
        try:
            found.append(jws.read(str(text)))
        except ValueError as error:
            report.problems.append(f"receipt {position} of group {number}: {error}")
    return found

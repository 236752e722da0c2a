"""The chain of one series: pure functions from the state before to the entry and the state after.

A document does not quote the one before, its signature is over it; what follows is told by its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.compliance.pt_invoices.document import PRINTED, Document, read, sign, verified
from connectors.compliance.support.links import Link, Rules, joined
from engine.sdk import Rejected, Transient

Entry = dict[str, Any]
State = Mapping[str, Any]


def issue(state: State | None, values: Any, key: Any) -> tuple[Entry, Entry]:
    """Sign the document that follows. Raises Rejected `fiscal-record-invalid`, `fiscal-chain-broken`."""
    document = _read(values)
    if document.own:
        raise Rejected(
            "fiscal-record-invalid", "it is signed already; a document is never signed twice, use `mode: verify`"
        )
    before = dict(state) if state else {}
    _same_series(before, document)
    if before and document.position != before["position"] + 1:
        raise Rejected(
            "fiscal-chain-broken", f"{document.number} does not follow number {before['position']} of its series"
        )
    previous = str(before.get("head", ""))
    own = sign(document, previous, key)
    return _entry(own, previous), _state(document, {"head": own, "tail": "", "seen": []})


def verify(state: State | None, values: Any, key: Any, rules: Rules) -> tuple[Entry, Entry]:
    """Check a document's signature over itself and the one before.

    Raises Rejected `fiscal-record-missing`, `fiscal-record-invalid`, `fiscal-signature-invalid`, `fiscal-chain-broken`,
    and what `links.joined` raises.
    """
    document = _read(values)
    if not document.own:
        raise Rejected("fiscal-record-missing", "the document has no Hash: it was never signed")
    before = dict(state) if state else {}
    _same_series(before, document)
    previous = _previous(before, document, rules)
    if not verified(document, previous, key):
        raise Rejected("fiscal-signature-invalid", "the signature is not that of this document after the one before it")
    after = joined(state, Link(document.own, previous, not previous), rules)
    newest = after["head"] == document.own
    return _entry(document.own, previous), _state(document, after) if newest else {**after, **_place(before)}


def _read(values: Any) -> Document:
    try:
        return read(values)
    except ValueError as error:
        raise Rejected("fiscal-record-invalid", f"this is no Portuguese document: {error}") from None


def _previous(before: State, document: Document, rules: Rules) -> str:
    """The signature the document's own one is over: as it says itself, or the newest of the chain where it follows that."""
    if document.previous is not None:
        return document.previous
    if not before:
        if document.position != 1:
            raise Rejected(
                "fiscal-record-invalid", "the first document that is seen needs its PreviousHash, or to be number 1"
            )
        return ""
    if document.position <= before["position"]:
        raise Rejected(
            "fiscal-chain-forked",
            f"number {document.position} of the series has come already, or needs its PreviousHash",
        )
    if document.position > before["position"] + 1:
        why = f"{document.number} came before number {before['position'] + 1} of its series"
        raise Rejected("fiscal-chain-broken", why) if rules.missing == "refuse" else Transient("fiscal-chain-gap", why)
    return str(before["head"])


def _same_series(before: State, document: Document) -> None:
    if before and before["series"] != document.series:
        raise Rejected(
            "fiscal-chain-broken", f"the chain is of series {before['series']}, the document of {document.series}"
        )


def _place(before: State) -> Entry:
    return {"series": before["series"], "position": before["position"]}


def _state(document: Document, links: State) -> Entry:
    return {**links, "series": document.series, "position": document.position}


def _entry(own: str, previous: str) -> Entry:
    return {"hash": own, "previous": previous, "printed": "".join(own[at] for at in PRINTED)}

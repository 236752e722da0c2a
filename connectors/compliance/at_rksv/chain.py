"""The chain of one cash box: pure functions from the state before to the entry and the state after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from connectors.compliance.at_rksv import jws
from connectors.compliance.at_rksv.code import CANCELLATION, TRAINING, Receipt, chain_value, parse, printed, printed_ocr
from connectors.compliance.at_rksv.counter import decrypt, encrypt
from connectors.compliance.at_rksv.jws import Signed
from connectors.compliance.support.amounts import cents
from connectors.compliance.support.links import Link, Rules, joined
from engine.sdk import Rejected

TAX_SETS = ("normal", "reduced_1", "reduced_2", "zero", "special")
KINDS = ("standard", "training", "cancellation")

Entry = dict[str, Any]
State = Mapping[str, Any]


@dataclass(frozen=True)
class Device:
    """What signs.

    trust    id of the trust service provider, `AT1`; `AT0` for a closed system
    serial   of the certificate in hexadecimal, or the id of the key in a closed system
    key      private key; None while the device is out of order
    aes      key of the turnover counter
    size     bytes of the counter
    """

    trust: str
    serial: str
    key: Any
    aes: bytes
    size: int = 8


def issue(state: State | None, values: Mapping[str, Any], device: Device) -> tuple[Entry, Entry]:
    """Make the receipt that follows: {box, number, time, kind, normal, reduced_1, reduced_2, zero, special}.

    Raises Rejected `fiscal-record-invalid`, `fiscal-start-missing`.
    """
    before = dict(state) if state else {}
    try:
        receipt = _drafted(before, values, device)
    except ValueError as error:
        raise Rejected("fiscal-record-invalid", f"no receipt can be made: {error}") from None
    if not before and (any(receipt.amounts) or receipt.training or receipt.cancellation):
        raise Rejected("fiscal-start-missing", "the first receipt of a cash box is its start receipt: all amounts zero")
    signature = jws.OUTAGE if device.key is None else jws.sign(receipt, device.key)
    signed = Signed(receipt, signature, jws.compact(receipt, signature))
    return _entry(signed), _state(before, receipt, chain_value(signed.compact))


def _drafted(before: State, values: Mapping[str, Any], device: Device) -> Receipt:
    kind = str(values.get("kind", "standard"))
    if kind not in KINDS:
        raise ValueError(f"kind is one of {', '.join(KINDS)}")
    unknown = sorted(set(values) - {*TAX_SETS, "box", "number", "time", "kind"})
    if unknown:
        raise ValueError(f"`{unknown[0]}` is no part of a receipt")
    box, number = str(values.get("box", "")), str(values.get("number", ""))
    amounts = tuple(cents(values.get(name, 0)) for name in TAX_SETS)
    count = int(before.get("counter", 0)) + sum(amounts)
    markers = {"training": TRAINING, "cancellation": CANCELLATION}
    turnover = markers.get(kind) or encrypt(count, box, number, device.aes, device.size)
    previous = str(before.get("head") or chain_value(box))
    time = _local(str(values.get("time", "")))
    receipt = Receipt(f"R1-{device.trust}", box, number, time, amounts, turnover, device.serial, previous)
    return parse(receipt.code())[0]  # what cannot be read back is not printed


def _local(text: str) -> str:
    """Local time as it is printed; a moment with an offset becomes the time in Vienna."""
    try:
        moment = datetime.fromisoformat(text)
        local = moment if moment.tzinfo is None else moment.astimezone(ZoneInfo("Europe/Vienna"))
    except (ValueError, OverflowError):
        raise ValueError("`time` is not a time such as 2026-03-11T03:57:08") from None
    return local.isoformat(timespec="seconds")[:19]


def _state(before: State, receipt: Receipt, head: str) -> Entry:
    counted = 0 if receipt.training else receipt.total
    return {"head": head, "tail": "", "seen": [], "counter": int(before.get("counter", 0)) + counted}


def _entry(signed: Signed) -> Entry:
    receipt = signed.receipt
    return {
        "jws": signed.compact,
        "qr": printed(receipt, signed.signature),
        "ocr": printed_ocr(receipt, signed.signature),
        "hash": chain_value(signed.compact),
        "previous": receipt.previous,
        "signed": not signed.outage,
    }


def verify(
    state: State | None, text: Any, keys: Mapping[str, Any], aes: bytes | None, rules: Rules
) -> tuple[Entry, Entry]:
    """Check a receipt, its signature, its place in the chain and, with the AES key, its turnover counter.

    Raises Rejected `fiscal-record-invalid`, `fiscal-key-unknown`, `fiscal-signature-invalid`, `fiscal-counter-mismatch`,
    and what `links.joined` raises.
    """
    try:
        signed = jws.read(str(text))
    except ValueError as error:
        raise Rejected("fiscal-record-invalid", f"this is no RKSV receipt: {error}") from None
    check_signature(signed, keys)
    receipt = signed.receipt
    link = Link(chain_value(signed.compact), receipt.previous, receipt.previous == chain_value(receipt.box))
    counter = None
    if not state or link.previous == state["head"]:
        counter = counted(signed.receipt, _counter_before(state, link), aes)
    return _entry(signed), joined(state, link, rules, counter=counter)


def check_signature(signed: Signed, keys: Mapping[str, Any]) -> None:
    """Raises Rejected unless it is signed by the key it names, or says that the device was out of order."""
    if signed.outage:
        return
    key = jws.key_for(keys, signed.receipt.serial)
    if key is None:
        raise Rejected("fiscal-key-unknown", f"there is no key of the certificate {signed.receipt.serial[:40]}")
    if not jws.verified(signed, key):
        raise Rejected("fiscal-signature-invalid", "the signature is not that of this receipt: something was changed")


def _counter_before(state: State | None, link: Link) -> int | None:
    if state:
        value = state.get("counter")
        return None if value is None else int(value)
    return 0 if link.first else None


def counted(receipt: Receipt, before: int | None, aes: bytes | None) -> int | None:
    """The counter after a receipt, in cents; None while it is not known. Raises Rejected `fiscal-counter-mismatch`."""
    if receipt.training:
        return before
    expected = None if before is None else before + receipt.total
    if receipt.cancellation or aes is None:
        return expected
    try:
        found = decrypt(receipt.turnover, receipt.box, receipt.number, aes)
    except ValueError as error:
        raise Rejected("fiscal-record-invalid", str(error)) from None
    if expected is not None and found != expected:
        raise Rejected(
            "fiscal-counter-mismatch",
            f"the turnover counter says {found} cents, the receipts before it come to {expected}",
            data={"counter": found, "expected": expected},
        )
    return found

"""Step type `kassensichv`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from connectors.compliance.de_kassensichv.qr import Tse, parse
from connectors.compliance.de_kassensichv.verify import signed_by
from connectors.compliance.support.libraries import announce, require
from connectors.compliance.support.shell import PLACE, put_all, record_of
from engine.sdk import (
    UNKNOWN,
    Build,
    Expression,
    Frame,
    Options,
    Path,
    Rejected,
    Shape,
    Step,
    Value,
    evaluate,
    is_number,
    step,
)


@step("kassensichv")
class KassenSichV(Step):
    """Germany, KassenSichV: refuses what carries no valid TSE signature, and carries the signature on.

    `kassensichv: {mode: verify, qr: extensions.fiscal.qr, total: totals.gross}`. The message the TSE signed is built
    again from the QR code (DSFinV-K annex I) and the signature checked with the key in it: curves secp256r1,
    brainpoolP256r1, P384r1 and P512r1, signatures raw or in DER, log times unixTime, utcTime and generalizedTime. Adds
    `tse` with client, transaction, counter, start, finish and `serial` (SHA-256 of the key), beside `qr` under
    `extensions.fiscal`. It only verifies, mode `verify`: tillflow is no TSE, signs nothing and never signs again.
    `serials` says which TSEs may sign: without it any key is believed, and only tampering is found. `total` is compared
    with the tenders in the signed data.
    On failure: `fiscal-record-missing`, `fiscal-record-invalid`, `fiscal-signature-invalid`, `fiscal-key-unknown`,
    `fiscal-total-mismatch` are work items at once; nothing is posted.
    Rule: KassenSichV of 2017-09-26 with section 146a AO, in force since 2020-01-01 (tills without a TSE tolerated until
    2020-09-30, in most states until 2021-03-31); BSI TR-03151 log messages, version 2.
    Not covered: DSFinV-K CSV export, certificates of the TSE and their chain, gaps between signature counters, messages
    of start and update transactions.
    """

    class Config(Options):
        mode: Literal["verify"] = Field(
            "verify", description="`verify` is all there is: a receipt is signed by its TSE only."
        )
        qr: Expression = Field(description="Text of the QR code.", examples=["extensions.fiscal.qr"])
        total: Expression | None = Field(
            None, description="What the tenders in the signed data have to come to.", examples=["totals.gross"]
        )
        serials: Value | None = Field(
            None,
            description="Serial numbers (hexadecimal) of the TSEs that may sign here, as text or a list; any when left out.",
            examples=["lookup('stores', store.id).tse"],
        )
        into: Path | None = Field(
            None,
            description="Where the result goes; `extensions.fiscal` when left out.",
            examples=["extensions.fiscal"],
        )

    def __init__(self, config: Config, build: Build) -> None:
        announce(build, "cryptography", "step `kassensichv`")
        self._config = config
        self._place = config.into or PLACE

    def run(self, frame: Frame) -> None:
        require("cryptography", "step `kassensichv`")
        text = record_of(self._config.qr, frame.data, frame.env, "QR code of a TSE")
        try:
            tse = parse(str(text))
        except ValueError as error:
            raise Rejected("fiscal-record-invalid", f"this is no QR code of a TSE: {error}") from None
        serial = signed_by(tse)
        if serial is None:
            raise Rejected(
                "fiscal-signature-invalid", "the TSE's signature does not fit this receipt: something was changed"
            )
        self._known(serial, frame)
        self._same_total(tse, frame)
        put_all(frame, self._place, {"qr": text, "tse": _facts(tse, serial)})

    def _known(self, serial: str, frame: Frame) -> None:
        if self._config.serials is None:
            return
        found = next(iter(evaluate(self._config.serials, frame.data, frame.env, "serials")), None)
        known = found if isinstance(found, list) else [found]
        if serial not in {str(one).strip().lower() for one in known}:
            raise Rejected("fiscal-key-unknown", f"the TSE {serial} is none of those that may sign here")

    def _same_total(self, tse: Tse, frame: Frame) -> None:
        if self._config.total is None:
            return
        wanted: Any = self._config.total(frame.data, frame.env)
        if not is_number(wanted) or tse.total != wanted:
            raise Rejected("fiscal-total-mismatch", f"the TSE signed {tse.total}, the event says {wanted}")

    def shape(self, shape: Shape) -> Shape:
        return shape.with_path((*self._place, "qr"), UNKNOWN).with_path((*self._place, "tse"), UNKNOWN)


def _facts(tse: Tse, serial: str) -> dict[str, Any]:
    return {
        "client": tse.client,
        "transaction": tse.transaction,
        "counter": tse.counter,
        "start": tse.start,
        "finish": tse.finish,
        "algorithm": tse.algorithm,
        "serial": serial,
    }

"""The TSE's QR code in expressions."""

from __future__ import annotations

from connectors.compliance.de_kassensichv.qr import parse
from connectors.compliance.de_kassensichv.verify import signed_by
from connectors.compliance.support.libraries import require_for_function
from engine.sdk import Object, Refused, Text, YesNo, function


@function("tse_ok")
def tse_ok(qr: Text) -> YesNo:
    """Whether the TSE signature in the QR code of a German receipt fits everything else in it.

    Verifies only. The key stands in the QR code itself: the step `kassensichv` knows which TSE may sign.
    """
    require_for_function("cryptography", "tse_ok")
    try:
        return signed_by(parse(qr)) is not None
    except ValueError:
        return False


@function("tse_parts")
def tse_parts(qr: Text) -> Object:
    """The parts of a TSE's QR code by name: client, process_type, process_data, transaction, counter, start, finish, total.

    Verifies nothing. `total` is null where the process data is no receipt.
    """
    try:
        tse = parse(qr)
    except ValueError as error:
        raise Refused(f"this is no QR code of a TSE: {error}", "invalid-value") from None
    names = ("client", "process_type", "process_data", "transaction", "counter", "start", "finish", "total")
    return {name: getattr(tse, name) for name in names}

"""Whether a TSE's signature fits its QR code."""

from __future__ import annotations

import hashlib
from typing import Any

from connectors.compliance.de_kassensichv.qr import Tse, messages

_POINT = 0x04


def _curves() -> dict[int, list[Any]]:
    from cryptography.hazmat.primitives.asymmetric import ec

    return {
        32: [ec.SECP256R1(), ec.BrainpoolP256R1()],
        48: [ec.BrainpoolP384R1(), ec.SECP384R1()],
        64: [ec.BrainpoolP512R1()],
    }


def keys(raw: bytes) -> list[tuple[Any, bytes]]:
    """The public keys these bytes can be, each with its uncompressed point. Empty when they are none.

    A bare point does not say its curve; it lies on one of those a TSE uses.
    """
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

    half = (len(raw) - 1) // 2
    if raw[0] == _POINT and len(raw) == 2 * half + 1 and half in _curves():
        found = []
        for curve in _curves()[half]:
            try:
                found.append((ec.EllipticCurvePublicKey.from_encoded_point(curve, raw), raw))
            except ValueError:
                continue
        return found
    try:
        key = load_der_public_key(raw)
    except Exception:  # whatever a stranger's bytes make of a parser, they are no key
        return []
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return []
    return [(key, key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))]


def serial_of(point: bytes) -> str:
    """Serial number of a TSE: SHA-256 of its public key, lower case hexadecimal."""
    return hashlib.sha256(point).hexdigest()


def signed_by(tse: Tse) -> str | None:
    """Serial number of the TSE that signed this; None when the signature does not fit."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec

    for key, point in keys(tse.key):
        for signature in _signatures(tse.signature, (key.curve.key_size + 7) // 8):
            for message in messages(tse, point):
                try:
                    key.verify(signature, message, ec.ECDSA(_hash(tse.hash)))
                except (InvalidSignature, UnsupportedAlgorithm, ValueError):
                    continue
                return serial_of(point)
    return None


def _hash(name: str) -> Any:
    from cryptography.hazmat.primitives import hashes

    return getattr(hashes, f"SHA3_{name[4:]}" if name.startswith("SHA3") and len(name) == 7 else name)()


def _signatures(raw: bytes, size: int) -> list[bytes]:
    """The signature in DER: r and s in a row are put into it, DER is taken as it is."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    found = []
    if len(raw) == 2 * size:
        found.append(encode_dss_signature(int.from_bytes(raw[:size], "big"), int.from_bytes(raw[size:], "big")))
    if raw[:1] == b"\x30":
        found.append(raw)
    return found

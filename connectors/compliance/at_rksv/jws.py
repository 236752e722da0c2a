"""Receipts as compact JWS with ES256, the text of an outage in place of a signature, and the keys they are checked with."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from connectors.compliance.at_rksv.code import Receipt, parse

OUTAGE = b"Sicherheitseinrichtung ausgefallen"
HEADER = "eyJhbGciOiJFUzI1NiJ9"  # {"alg":"ES256"}, the one way the rule writes it
_HALF = 32
_LONGEST_HEADER = 200


class Signed(NamedTuple):
    """A receipt with its signature. `compact` is its JWS, over which the next receipt's chain value goes."""

    receipt: Receipt
    signature: bytes
    compact: str

    @property
    def outage(self) -> bool:
        """Made while the signature device was out of order."""
        return self.signature == OUTAGE


def url64(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _from_url64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a part of the JWS is not base64url") from None
    if url64(raw) != text:
        raise ValueError("a part of the JWS is base64url that can be written in two ways")
    return raw


def compact(receipt: Receipt, signature: bytes) -> str:
    """The JWS of a signed receipt."""
    return f"{signing_input(receipt)}.{url64(signature)}"


def signing_input(receipt: Receipt) -> str:
    """What the device signs."""
    return f"{HEADER}.{url64(receipt.code().encode())}"


def read(text: str) -> Signed:
    """A receipt from its compact JWS, its QR code or its OCR text. Raises ValueError."""
    text = text.strip()
    if text.startswith("_"):
        receipt, signature = parse(text)
        if signature is None:
            raise ValueError("the machine code carries no signature")
        return Signed(receipt, signature, compact(receipt, signature))
    parts = text.split(".")
    if len(parts) != 3:
        raise ValueError("it is neither a compact JWS nor a machine code")
    header, payload, signature_text = parts
    _check_header(header)
    try:
        code = _from_url64(payload).decode()
    except UnicodeDecodeError:
        raise ValueError("the payload of the JWS is not UTF-8") from None
    receipt, extra = parse(code)
    if extra is not None:
        raise ValueError("the payload of the JWS carries a signature of its own")
    return Signed(receipt, _from_url64(signature_text), text)


def _check_header(header: str) -> None:
    try:
        named = json.loads(_from_url64(header)) if len(header) <= _LONGEST_HEADER else None
    except ValueError:
        named = None
    if not isinstance(named, dict) or named.get("alg") != "ES256":
        raise ValueError("the JWS does not say ES256")


def verified(signed: Signed, key: Any) -> bool:
    """Whether the signature is that of the key over this very text."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    if len(signed.signature) != 2 * _HALF:
        return False
    r, s = (int.from_bytes(half, "big") for half in (signed.signature[:_HALF], signed.signature[_HALF:]))
    try:
        key.verify(encode_dss_signature(r, s), signed.compact.rpartition(".")[0].encode(), ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def sign(receipt: Receipt, key: Any) -> bytes:
    """A signature with a key that is at hand as software."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    r, s = decode_dss_signature(key.sign(signing_input(receipt).encode(), ec.ECDSA(SHA256())))
    return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")


def public_keys(material: Mapping[str, Any]) -> dict[str, Any]:
    """Key by the id a receipt names it with: {id: base64 of a certificate or public key}.

    The containers of BMF's test suite, whose values are objects, are read as they are. Raises ValueError.
    """
    named = material.get("certificateOrPublicKeyMap", material)
    if not isinstance(named, Mapping):
        raise ValueError("the keys are not {id: certificate or public key in base64}")
    return {_bare(str(name)): _public_key(name, value) for name, value in named.items()}


def key_for(keys: Mapping[str, Any], serial: str) -> Any:
    """The key of a certificate by its serial number, leading zeros and capitals aside; None when it is not known."""
    return keys.get(_bare(serial))


def _bare(serial: str) -> str:
    return serial if ":" in serial else serial.lower().lstrip("0")


def _public_key(name: str, value: Any) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_der_public_key
    from cryptography.x509 import load_der_x509_certificate

    text = value.get("signatureCertificateOrPublicKey") if isinstance(value, Mapping) else value
    try:
        der = base64.b64decode(
            "".join(line.strip() for line in str(text).splitlines() if "-----" not in line), validate=True
        )
    except binascii.Error:
        raise ValueError(f"the key {name} is not base64") from None
    for load in (load_der_public_key, lambda raw: load_der_x509_certificate(raw).public_key()):
        try:
            key = load(der)
        except Exception:  # whatever a parser makes of it, it is no key
            continue
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
            return key
    raise ValueError(f"the key {name} is neither a certificate nor a public key of the curve P-256")


def private_key(text: str) -> Any:
    """A private key from PEM or base64 of PKCS#8. Raises ValueError that never quotes it."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

    try:
        raw = text.strip().encode()
        key = (
            load_pem_private_key(raw, None)
            if raw.startswith(b"-----")
            else load_der_private_key(base64.b64decode(raw), None)
        )
    except (ValueError, TypeError, binascii.Error):
        raise ValueError("the signing key is neither PEM nor base64 of PKCS#8, or it has a password") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("the signing key is not of the curve P-256")
    return key

"""The turnover counter: cents, big-endian with a sign in 5 to 8 bytes, encrypted with AES-256 in counter mode."""

from __future__ import annotations

import base64
import binascii
import hashlib

SIZES = range(5, 9)


def aes_key(text: str) -> bytes:
    """The 32 bytes of a key written in base64. Raises ValueError."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        raise ValueError("the AES key is not base64") from None
    if len(key) != 32:
        raise ValueError(f"the AES key has {len(key)} bytes, not 32")
    return key


def encrypt(cents: int, box: str, number: str, key: bytes, size: int = 8) -> str:
    """The counter as a receipt carries it, in base64. Raises ValueError when it needs more than `size` bytes."""
    try:
        plain = cents.to_bytes(size, "big", signed=True)
    except OverflowError:
        raise ValueError(f"the turnover counter does not fit into {size} bytes") from None
    return base64.b64encode(_crypted(plain, box, number, key)).decode()


def decrypt(turnover: str, box: str, number: str, key: bytes) -> int:
    """The counter in cents. Raises ValueError when its size is none of the rule."""
    crypted = base64.b64decode(turnover)
    if len(crypted) not in SIZES:
        raise ValueError(f"the turnover counter has {len(crypted)} bytes, not 5 to 8")
    return int.from_bytes(_crypted(crypted, box, number, key), "big", signed=True)


def _crypted(data: bytes, box: str, number: str, key: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    start = hashlib.sha256(f"{box}{number}".encode()).digest()[:16]
    worker = Cipher(algorithms.AES(key), modes.CTR(start)).encryptor()
    return worker.update(data) + worker.finalize()

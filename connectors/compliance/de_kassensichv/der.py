"""As much of DER as the message that a TSE signs is made of."""

from __future__ import annotations


def element(tag: int, content: bytes) -> bytes:
    """Tag, length, content."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer_content(value: int) -> bytes:
    """A whole number in as few bytes as hold it with its sign."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def integer(value: int) -> bytes:
    """INTEGER."""
    return element(0x02, integer_content(value))


def context(number: int, content: bytes) -> bytes:
    """A primitive value under an implicit context tag."""
    return element(0x80 | number, content)


def oid(dotted: str) -> bytes:
    """OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    return element(0x06, b"".join(map(_base128, (first * 40 + second, *rest))))


def _base128(number: int) -> bytes:
    out = [number & 0x7F]
    while number := number >> 7:
        out.append(0x80 | number & 0x7F)
    return bytes(reversed(out))

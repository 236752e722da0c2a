"""Bounds every format keeps before it parses anything, and the refusal of files that are not what they seem."""

from __future__ import annotations

from engine.sdk import Failure, Permanent

MAX_SIZE = 64 << 20  # bytes of one document
MAX_LINE = 1 << 20  # bytes of one line
MAX_DEPTH = 64  # nesting of elements and objects
MAX_NODES = 200_000  # elements of one XML record

_PACKED = {
    b"\x1f\x8b": "a gzip archive",
    b"PK\x03\x04": "a zip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
}


def corrupt(name: str, why: str, line: int = 0) -> Permanent:
    """The failure of a document that cannot be decoded at all."""
    place = f"{name}, line {line}" if line else name
    return Permanent("corrupt-document", f"{place}: {why}", data={"file": name, "line": line})


def in_file(failure: Failure, name: str) -> Failure:
    """The failure of a record, whose detail begins with its line, told with the file it is in."""
    if not name:
        return failure
    return Permanent(failure.reason, f"{name}, {failure.detail}", data={**failure.data, "file": name})


def guard(content: bytes, name: str, max_size: int = MAX_SIZE) -> None:
    """Refuse what is too large, packed or empty. Raises Permanent `corrupt-document` or `too-large`."""
    if len(content) > max_size:
        raise Permanent("too-large", f"{name} has {len(content)} bytes; at most {max_size} are accepted")
    for magic, what in _PACKED.items():
        if content.startswith(magic):
            raise corrupt(name, f"this is {what}; unpack it before it is handed over")
    if not content.removeprefix(b"\xef\xbb\xbf").strip():
        raise corrupt(name, "the document is empty")

"""Bytes of a file to text: UTF-8, not too large, and no character that makes a file read differently than it looks."""

from __future__ import annotations

import re
from typing import Final

from engine.core.findings import Finding, Mark

MAX_BYTES: Final = 1 << 20

# Controls, the other line breaks of Unicode, and characters that reorder what is shown.
_FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]|\r(?!\n)"
)


def decoded(path: str, content: bytes) -> tuple[str | None, list[Finding]]:
    """The text of a file, or findings that say why it has none."""
    if len(content) > MAX_BYTES:
        return None, [
            Finding(
                "TF1003",
                f"the file has {len(content)} bytes; at most {MAX_BYTES} are read",
                Mark(path),
                "split it, or keep bulk data in a CSV table",
            )
        ]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        good = content[: error.start].decode("utf-8", "replace")
        mark = _mark(path, good, len(good))
        return None, [
            Finding("TF1002", f"byte 0x{content[error.start]:02x} is not UTF-8", mark, "save the file as UTF-8")
        ]
    odd = _FORBIDDEN.search(text)
    if odd is None:
        return text, []
    name = f"U+{ord(odd[0]):04X}"
    return None, [
        Finding("TF1008", f"the character {name} is not allowed in a file", _mark(path, text, odd.start()), "remove it")
    ]


def _mark(path: str, text: str, index: int) -> Mark:
    line = text.count("\n", 0, index) + 1
    column = index - (text.rfind("\n", 0, index) + 1) + 1
    return Mark(path, line, column, column + 1)

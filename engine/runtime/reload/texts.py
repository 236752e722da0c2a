"""What is different between the files of two revisions, as text."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from engine.compile.difftext import document

LONGEST = 200_000  # bytes of a file that is compared line by line

TABLES = "routes/tables.yaml"

Files = Mapping[str, bytes]


def file_changes(before: Files, after: Files) -> list[dict[str, Any]]:
    """A dict for each file that is not the same: `file`, `change` (added, removed, changed) and `text`.

    text   a unified diff; of files that are no text, or longer than `LONGEST` bytes, their sizes
    """
    return list(_changes(before, after))


def tables_with_files(files: Files) -> list[str]:
    """Reference tables whose rows are in a CSV file."""
    whole = document(files, TABLES) or {}
    return sorted(str(name) for name, one in (whole.get("tables") or {}).items() if (one or {}).get("csv"))


def _changes(before: Files, after: Files) -> Iterator[dict[str, Any]]:
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old != new:
            change = "added" if old is None else "removed" if new is None else "changed"
            yield {"file": path, "change": change, "text": _text(path, old, new)}


def _text(path: str, old: bytes | None, new: bytes | None) -> str:
    was, now = _lines(old), _lines(new)
    if was is None or now is None:
        return f"{_size(old)} -> {_size(new)}"
    a, b = ("/dev/null" if content is None else path for content in (old, new))
    return "\n".join(difflib.unified_diff(was, now, a, b, lineterm=""))


def _lines(content: bytes | None) -> list[str] | None:
    """None for what cannot be shown line by line."""
    if content is None:
        return []
    if len(content) > LONGEST:
        return None
    try:
        return content.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return None


def _size(content: bytes | None) -> str:
    return "nothing" if content is None else f"{len(content)} bytes"

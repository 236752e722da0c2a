"""Text of events and files where a person reads it: what a terminal would obey is shown, never sent."""

from __future__ import annotations

import json
from unicodedata import category

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str, keep: str = "") -> str:
    r"""Control characters, and others that cannot be seen, as `\n`, `\x1b`, `\u202e`; those in `keep` stay.

    A direction mark is one of them: it makes a line read otherwise than it is.
    """
    if text.isprintable():
        return text
    return "".join(c.encode("unicode_escape").decode() if c not in keep and _unseen(c) else c for c in text)


def visible_json(text: str) -> str:
    """JSON text that means the same: what JSON itself lets stand in its texts (DEL, C1, direction marks) is escaped.

    Line ends stay: in JSON they only ever stand between values.
    """
    return "\n".join(line if line.isprintable() else _escaped(line) for line in text.split("\n"))


def control_in(text: str) -> str:
    """The first control character in it, empty where there is none. Joiners and marks of scripts are no such thing."""
    return "" if text.isprintable() else next((c for c in text if category(c) == "Cc"), "")


def _escaped(json_text: str) -> str:
    return "".join(json.dumps(c)[1:-1] if _unseen(c) else c for c in json_text)


def _unseen(char: str) -> bool:
    return category(char) in _UNSEEN

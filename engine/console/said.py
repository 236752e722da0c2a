"""What people write freely: who they are, why they decide, what they look for. The command line and the API ask here.

Each answers the text, or raises Permanent `bad-request` with a sentence. A Store takes no NUL and no half of a
character; other control characters have no meaning in a name or a reason. A key may hold what a till's file held.
"""

from __future__ import annotations

from unicodedata import category

from engine.core.errors import Permanent

MOST_REASON = 2000
MOST_ACTOR = 200
MOST_SEARCH = 1000


def reason(text: str) -> str:
    """Why; it goes into the audit."""
    if not text.strip():
        raise Permanent("bad-request", "say why: it goes into the audit")
    return _without_control("a reason", _short_enough("a reason", text, MOST_REASON), "\n\t")


def actor(text: str) -> str:
    """Who decides."""
    if not text.strip():
        raise Permanent("bad-request", "say who decides: it goes into the audit")
    return _without_control("a name", _short_enough("a name", text, MOST_ACTOR), "")


def searched(what: str, text: str) -> str:
    """A key, an id or a name that is looked for."""
    _short_enough(what, text, MOST_SEARCH)
    if any(c == "\0" or category(c) == "Cs" for c in text):
        raise Permanent("bad-request", f"{what} has no NUL and no broken characters; this one does")
    return text


def _short_enough(what: str, text: str, most: int) -> str:
    if len(text) > most:
        raise Permanent("bad-request", f"{what} has at most {most} characters, this one has {len(text)}")
    return text


def _without_control(what: str, text: str, allowed: str) -> str:
    for char in text:
        if char not in allowed and category(char) in ("Cc", "Cs"):
            raise Permanent("bad-request", f"{what} has no control characters; there is {char!a} in this one")
    return text

"""What must not change with the environment: names, identities, and what is counted by them."""

from __future__ import annotations

import re
from typing import Final

from engine.config.nodes import Path

_FILE: Final = frozenset({"route", "subflow", "mapping", "pack", "overlay", "criticality", "class", "accepts"})
_ENDS: Final = frozenset(
    {"id", "use", "event", "effect", "action", "connection", "map", "table"}
)  # of a route, and of steps that call
_STEP: Final = frozenset({"id", "slot", "subflow"})
_FREE: Final = frozenset({"with", "const", "given"})  # values: they may have keys of any name
_VARIABLE: Final = re.compile(r"(?<!\$)\$\{[A-Z]")


def is_name(path: Path) -> bool:
    """Whether a name or an identity stands at a path of a file."""
    if _FREE.intersection(path):
        return False
    match path:
        case (str(key),):
            return key in _FILE
        case ("from", key) | ("to", int(), key):
            return key in _ENDS
        case ("connections", _, key):
            return key == "connector"
        case (*_, "steps", int(), key):
            return key in _STEP
        case (*_, "steps", int(), "call" | "wire_tap", key):
            return key in _ENDS
    return False


def varies(written: str) -> bool:
    """Whether a scalar, as it stands in the file, takes something from the environment."""
    return _VARIABLE.search(written) is not None

"""Regular expressions of configuration, on an engine whose time is linear in the text (RE2)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias

import re2

Pattern: TypeAlias = Any  # re2 carries no types

_MEMORY = 1 << 20

_options = re2.Options()
_options.max_mem = _MEMORY
_options.log_errors = False


@lru_cache(maxsize=512)
def compile_pattern(text: str) -> Pattern:
    """A compiled pattern. Raises ValueError with what RE2 says of it; look-around and back references are not known."""
    try:
        return re2.compile(text, _options)
    except re2.error as error:
        said = error.args[0] if error.args else "not a pattern"
        raise ValueError(said.decode() if isinstance(said, bytes) else str(said)) from None

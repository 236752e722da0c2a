"""The functions of the expression language, with those of installed plugins."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from engine.expr.functions import FunctionTable
from engine.plugins.registry import Registry


def functions_of(registry: Registry) -> FunctionTable:
    """The built-in table itself where no plugin brings a function. Raises ValueError when one takes a name."""
    extra = {name: spec.target for name, spec in registry.functions.items()}
    return _extended(tuple(sorted(extra.items()))) if extra else FunctionTable.builtin()


@lru_cache(maxsize=16)
def _extended(functions: tuple[tuple[str, Callable[..., Any]], ...]) -> FunctionTable:
    """One table for one set of functions: what was compiled with it is found again by the next compile."""
    return FunctionTable.builtin().extended(dict(functions))

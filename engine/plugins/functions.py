"""The functions of the expression language, with those of installed plugins."""

from __future__ import annotations

from engine.expr.functions import FunctionTable
from engine.plugins.registry import Registry


def functions_of(registry: Registry) -> FunctionTable:
    """The built-in table itself where no plugin brings a function. Raises ValueError when one takes a name."""
    extra = {name: spec.target for name, spec in registry.functions.items()}
    return FunctionTable.builtin().extended(extra) if extra else FunctionTable.builtin()

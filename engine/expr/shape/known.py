"""What is known of the surroundings of an expression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.expr.shape.model import Shape


@dataclass(frozen=True)
class Known:
    """Shapes of what functions reach: rows of tables and parameters by name.

    A name that is not in `tables` is not judged here: the compiler checks `Expr.references` against the project.
    """

    tables: Mapping[str, Shape] = field(default_factory=dict)
    params: Mapping[str, Shape] = field(default_factory=dict)


NOTHING_KNOWN = Known()

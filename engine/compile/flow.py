"""What is known of the data at one point of a route."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from engine.expr.shape import UNKNOWN, Shape


@dataclass(frozen=True)
class Flow:
    """Shape of the data, and the schemas it may follow.

    schemas   every name `meta('schema')` may have here; empty text for data without one; None: not known
    ends      nothing comes here: every event was filtered before
    sure      texts of expressions that a condition here found present
    """

    shape: Shape = UNKNOWN
    schemas: frozenset[str] | None = None
    ends: bool = False
    sure: frozenset[str] = frozenset()

    @property
    def schema(self) -> str:
        """The one schema the data follows; empty when there are several, or none is known."""
        return next(iter(self.schemas)) if self.schemas is not None and len(self.schemas) == 1 else ""

    def either(self, other: Flow) -> Flow:
        """What is known where two ways meet."""
        if self.ends or other.ends:
            return self if other.ends else other
        both = None if self.schemas is None or other.schemas is None else self.schemas | other.schemas
        return Flow(self.shape.union(other.shape), both)

    def narrowed(self, schema: str, shape: Shape) -> Flow:
        """What is known after `meta('schema') == schema` held."""
        return Flow(shape, frozenset({schema})) if self.schemas is None or len(self.schemas) > 1 else self

    def knowing(self, texts: Iterable[str]) -> Flow:
        """What is known where a condition found these present."""
        return replace(self, sure=self.sure | frozenset(texts))

    def yielding(self, path: str) -> Flow:
        """What is known behind a slot: it may add something at the path it names, in regions that fill it."""
        names, shape = path.split(".") if path else [], self.shape
        for name in names:
            if not shape.has(name) or (name not in shape.fields and not shape.open):
                return self.with_shape(self.shape.with_path(names, Shape(maybe=True)))
            shape = shape.at(name)
        return self

    def with_shape(self, shape: Shape) -> Flow:
        return replace(self, shape=shape)


def certain(shape: Shape) -> Shape:
    """A native record as it is seen when it is mapped: formats say what may be there, not what must be."""
    return replace(
        shape,
        maybe=False,
        defaulted=False,
        fields={name: certain(inner) for name, inner in shape.fields.items()},
        element=None if shape.element is None else certain(shape.element),
        others=None if shape.others is None else certain(shape.others),
    )

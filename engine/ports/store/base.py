"""The shape of an operation and of the Store that carries it out."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Protocol, TypeVar

from msgspec import Struct

R = TypeVar("R")


class Op(Struct, Generic[R], frozen=True):
    """One operation; the type parameter is what it answers. Subclasses are frozen.

    `reads` is True for an operation that changes nothing: a backend may run it outside the writer.
    """

    reads: ClassVar[bool] = False


class Store(Protocol):
    """Durable memory of one cell."""

    async def open(self) -> None:
        """Open and migrate. Raises SettingsError when somebody else owns it or it is from a newer version."""
        ...

    async def close(self) -> None:
        """Finish what was handed in, then let go."""
        ...

    async def apply(self, op: Op[R]) -> R:
        """Run one operation durably. Operations of several callers share a commit. Raises StoreDown."""
        ...

    async def apply_all(self, *ops: Op[Any]) -> list[Any]:
        """Run these in order as one transaction: all are durable, or none. Raises StoreDown.

        An operation whose condition does not hold answers so (see its docstring) and does not undo the others;
        an operation with `required=True` raises Fenced then and undoes all of it (in `apply` too). Answering so means
        False, 0, or a list with a False in it. Later operations of the unit see what earlier ones wrote.
        """
        ...

"""What a step type implements: Step for what works on the event in hand, Cut for what keeps it as durable state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel

from engine.core.outcome import Kept
from engine.plugins.frame import Frame, Signal

if TYPE_CHECKING:
    from engine.expr.shape import Shape
    from engine.plugins.build import Build


Reach = Literal["pure", "reads", "calls", "state"]
"""What a step may reach besides the data: tables and other readings, systems, durable state of its own."""
PURE: frozenset[Reach] = frozenset()
"""A step that reaches nothing but the data."""


def reaching(*kinds: Reach) -> frozenset[Reach]:
    """What a step declares that reaches these."""
    return frozenset(kinds)


class Step(ABC):
    """One unit of work. Built once per Plan from its Config, then run for every event; it keeps no state of its own."""

    Config: ClassVar[type[BaseModel]]
    # What it may reach besides the data, for slots that allow some of it only. One that does not say may reach all.
    # Tables and systems that its own configuration names are seen by the compiler and need not stand here.
    reaches: ClassVar[frozenset[Reach]] = frozenset({"reads", "calls", "state"})
    # True, of a class or of one built so: it makes records that are printed by who waits for the route's reply, such as
    # signed receipts. It is refused on a route that answers nobody.
    issues: bool = False

    @abstractmethod
    def __init__(self, config: Any, build: Build) -> None:
        """Prepare everything that can be prepared; no I/O. Problems are reported through `build`."""

    @abstractmethod
    def run(self, frame: Frame) -> Signal | Awaitable[Signal | None] | None:
        """Work on the frame. None: go on. Raises Failure. Returns an awaitable only if it has to wait."""

    def shape(self, shape: Shape) -> Shape:
        """The shape of the data after this step, given the one before."""
        return shape


class Cut(Step):
    """A step that ends a segment: it keeps the event as durable state; the next segment goes on later."""

    def run(self, frame: Frame) -> Signal | None:
        """Never called: the runtime asks `keep`. Raises TypeError."""
        raise TypeError("a cut is not run; the runtime asks it what to keep")

    @abstractmethod
    def keep(self, frame: Frame) -> Kept:
        """What to store for this frame. `Kept.step` is filled in by the runtime."""

    @abstractmethod
    def resume(self, bodies: Sequence[bytes]) -> tuple[Any, str]:
        """(data, schema) of the event that goes on, from what was kept."""

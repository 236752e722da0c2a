"""Step type `slot`."""

from __future__ import annotations

from collections.abc import Awaitable

from pydantic import ConfigDict, Field, RootModel

from engine.sdk import PURE, Build, Frame, Shape, Signal, Step, step


@step("slot")
class Slot(Step):
    """A named place that regions may fill with steps of their own.

    `slot: fiscal`, with `allows` (what its steps may reach: pure, reads, calls, state) and `yields` (what they add to
    the data) beside it. The name is the step's id. An empty slot passes the event on unchanged.
    On failure: a failure of a step in it is that step's failure.
    """

    reaches = PURE

    class Config(RootModel[str]):
        """Name of the slot."""

        model_config = ConfigDict(strict=True, frozen=True)
        root: str = Field(description="name of the slot; also the step's id", examples=["fiscal"], min_length=1)

    def __init__(self, config: Config, build: Build) -> None:
        self._steps = build.slot(config.root)

    def run(self, frame: Frame) -> Signal | Awaitable[Signal | None] | None:
        return self._steps.run(frame)

    def shape(self, shape: Shape) -> Shape:
        return self._steps.shape(shape)

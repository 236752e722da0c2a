"""Step type `subflow`."""

from __future__ import annotations

from collections.abc import Awaitable

from pydantic import Field

from engine.sdk import PURE, Build, Frame, Options, RawValues, Shape, Signal, Step, SubflowRef, step


@step("subflow")
class Subflow(Step):
    """Runs shared steps that several routes use, with parameters of their own.

    `subflow: {name: check-totals, params: {tolerance: 0.01}}`. The steps are compiled into each route that uses them,
    so they see its data and their failures name their own ids.
    On failure: a failure of a step in it is that step's failure.
    """

    reaches = PURE

    class Config(Options):
        name: SubflowRef = Field(description="the shared steps", examples=["check-totals"])
        params: RawValues = Field(default_factory=dict, description="their parameters; literals, typed by the subflow")

    def __init__(self, config: Config, build: Build) -> None:
        self._steps = build.subflow(config.name, config.params)

    def run(self, frame: Frame) -> Signal | Awaitable[Signal | None] | None:
        return self._steps.run(frame)

    def shape(self, shape: Shape) -> Shape:
        return self._steps.shape(shape)

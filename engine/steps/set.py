"""Step type `set`."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, RootModel

from engine.sdk import PURE, UNKNOWN, Build, Frame, Shape, Step, Value, evaluate, step


@step("set")
class Set(Step):
    """Puts values at paths of the data; everything else stays.

    `set: {extensions.local.shift: "lookup('shifts', till.id).name"}`. All values are made from the data as it was
    before the step, so their order does not matter. Objects missing on the way are made.
    On failure: a value that gives nothing is the work item `missing-value` unless it is `optional` or has a
    `default`; a text or number in the way of a path is `not-an-object`, a number of more than 40 digits
    `number-too-long`. The data is not changed.
    """

    reaches = PURE

    class Config(RootModel[dict[str, Value]]):
        """Values by the path they go to."""

        model_config = ConfigDict(strict=True, frozen=True)
        root: Annotated[dict[str, Value], Field(min_length=1)] = Field(
            description="path to value", examples=[{"totals.margin": "money_sub(totals.net, totals.cost)"}]
        )

    def __init__(self, config: Config, build: Build) -> None:
        for path in config.root:
            if not all(part.isidentifier() and part.isascii() for part in path.split(".")):
                build.finding(
                    "TF1127", f"`{path}` is not a path", path, help="write names joined by dots: totals.margin"
                )
        self._fields = [(tuple(path.split(".")), path, value) for path, value in config.root.items()]

    def run(self, frame: Frame) -> None:
        data, env = frame.data, frame.env
        made = [(path, value) for path, name, source in self._fields for value in evaluate(source, data, env, name)]
        for path, value in made:
            frame.put(path, value)

    def shape(self, shape: Shape) -> Shape:
        for path, _, _ in self._fields:
            shape = shape.with_path(path, UNKNOWN)
        return shape

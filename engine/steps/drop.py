"""Step type `drop`."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, RootModel

from engine.sdk import PURE, Build, DeepPath, Frame, Shape, Step, step
from engine.steps.support.paths import ITEMS, check_path, drop, shape_without, text_of, tree_of


@step("drop")
class Drop(Step):
    """Leaves out the named paths of the data.

    `drop: [customer, "lines[].cost"]`. What is missing already is no problem at run time.
    Never fails. A path that the schema does not have is a finding: a misspelt one would leave in what should go.
    """

    reaches = PURE

    class Config(RootModel[list[DeepPath]]):
        """Paths that go."""

        model_config = ConfigDict(strict=True, frozen=True)
        root: Annotated[list[DeepPath], Field(min_length=1)] = Field(
            description="paths that go", examples=[["customer", "lines[].cost"]]
        )

    def __init__(self, config: Config, build: Build) -> None:
        self._tree = tree_of(config.root)
        for index, path in enumerate(config.root):
            if path[-1] == ITEMS:
                whole = text_of(path[:-1])
                build.finding(
                    "TF1160", f"`{text_of(path)}` names every item and no field", index, help=f"drop the list: {whole}"
                )
            check_path(path, build, index)

    def run(self, frame: Frame) -> None:
        frame.data = drop(frame.data, self._tree)

    def shape(self, shape: Shape) -> Shape:
        return shape_without(shape, self._tree)

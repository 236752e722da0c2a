"""Step type `keep`."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, RootModel

from engine.sdk import PURE, Build, DeepPath, Frame, Shape, Step, step
from engine.steps.support.paths import GONE, check_path, keep, shape_with_only, tree_of


@step("keep")
class Keep(Step):
    """Leaves only the named paths of the data.

    `keep: [receipt_no, store.id, "lines[].sku"]`. What is named and missing stays missing; a list keeps its length.
    Never fails. A path that the schema does not have is a finding.
    """

    reaches = PURE

    class Config(RootModel[list[DeepPath]]):
        """Paths that stay."""

        model_config = ConfigDict(strict=True, frozen=True)
        root: Annotated[list[DeepPath], Field(min_length=1)] = Field(
            description="paths that stay", examples=[["receipt_no", "lines[].sku"]]
        )

    def __init__(self, config: Config, build: Build) -> None:
        self._tree = tree_of(config.root)
        for index, path in enumerate(config.root):
            check_path(path, build, index)

    def run(self, frame: Frame) -> None:
        kept = keep(frame.data, self._tree)
        frame.data = {} if kept is GONE else kept

    def shape(self, shape: Shape) -> Shape:
        return shape_with_only(shape, self._tree)

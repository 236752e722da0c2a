"""Step type `map`."""

from __future__ import annotations

from pydantic import ConfigDict, Field, RootModel

from engine.sdk import PURE, Build, Frame, MappingRef, Shape, Step, step


@step("map")
class Map(Step):
    """Replaces the data with what a mapping makes of it.

    `map: poslog-to-sale`. Everything after this step sees the new document, and `meta('schema')` names the mapping's
    output. A sink that needs a document of its own maps for itself instead.
    On failure: a field that gives nothing is the work item `mapping-failed`, which names the field; the data is not
    changed.
    """

    reaches = PURE

    class Config(RootModel[MappingRef]):
        """Name of the mapping."""

        model_config = ConfigDict(strict=True, frozen=True)
        root: MappingRef = Field(description="a mapping in mappings/", examples=["poslog-to-sale"])

    def __init__(self, config: Config, build: Build) -> None:
        self._mapper = build.mapping(config.root)
        output = self._mapper.output
        self._shape = build.shape_of(output) if output else self._mapper.made

    def run(self, frame: Frame) -> None:
        frame.data = self._mapper.apply(frame.data, frame.env)
        frame.schema = self._mapper.output

    def shape(self, shape: Shape) -> Shape:
        return self._shape

"""Step type `validate`."""

from __future__ import annotations

from pydantic import ConfigDict, Field, RootModel

from engine.sdk import PURE, Build, Frame, SchemaRef, Shape, Step, conform, step


@step("validate")
class Validate(Step):
    """Checks the data against a schema and fills in the schema's defaults.

    `validate: sale.completed@2`. Afterwards `meta('schema')` names that schema and later paths are checked against it.
    On failure: the work item `schema-violation` lists everything that is wrong, each with its JSON pointer; the data is
    not changed.
    """

    reaches = PURE

    class Config(RootModel[SchemaRef]):
        """Name of the schema in mappings/schemas."""

        model_config = ConfigDict(strict=True, frozen=True)
        root: SchemaRef = Field(description="schema `name@n` in mappings/schemas", examples=["sale.completed@2"])

    def __init__(self, config: Config, build: Build) -> None:
        self._schema = str(config.root)
        self._validator = build.validator(self._schema)
        self._shape = build.shape_of(self._schema)

    def run(self, frame: Frame) -> None:
        frame.data = conform(self._validator, frame.data)
        frame.schema = self._schema

    def shape(self, shape: Shape) -> Shape:
        return self._shape

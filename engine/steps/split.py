"""Step type `split`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from engine.core.quoting import short
from engine.sdk import (
    PURE,
    Build,
    Expression,
    Filtered,
    Frame,
    Key,
    LocalName,
    Options,
    Permanent,
    Shape,
    Signal,
    Split,
    Step,
    key_parts,
    key_text,
    step,
)
from engine.steps.support.items import path_shape, scope_with


@step("split")
class SplitStep(Step):
    """Makes one event per item of a list; each goes on by itself, and all succeed or none is published.

    `split: {in: shipments, key: shipment_no}`: the item becomes the data. With `as: shipment` the document stays and
    the item stands in it under that name, so `key: shipment.shipment_no`. The key identifies the item for good: with
    the event's id it is the identity of everything that is sent, so it must not be a position. An empty list ends the
    event as filtered, reason `empty-list`.
    On failure: no list there is the work item `not-a-list`, an item whose key is incomplete `key-incomplete`, two
    items with one key `split-key-duplicate`: the second would be taken for a repetition of the first and be lost.
    """

    reaches = PURE

    class Config(Options):
        in_: Expression = Field(alias="in", description="the list", examples=["shipments"])
        as_: LocalName | None = Field(
            None,
            alias="as",
            description="keep the document and put the item into it under this name",
            examples=["line"],
        )
        key: Key = Field(description="what tells the items of one event apart", examples=["shipment_no"])

    def __init__(self, config: Config, build: Build) -> None:
        self._in = config.in_
        self._as = config.as_
        self._key = config.key
        build.check(config.key, self.shape(build.shape), "key")

    def run(self, frame: Frame) -> Signal:
        items = self._in(frame.data, frame.env)
        if not isinstance(items, list):
            found = "nothing" if items is None else type(items).__name__
            raise Permanent("not-a-list", f"`{short(self._in.text)}` gives {found}; split needs a list")
        if not items:
            return Filtered("empty-list")
        frames: dict[str, Frame] = {}
        for number, item in enumerate(items, 1):
            data = item if self._as is None else scope_with(frame.data, self._as, item)
            key = key_text(key_parts(self._key, data, frame.env))
            if key in frames:
                raise Permanent("split-key-duplicate", f"item {number} has the key `{key}` of an earlier one")
            frames[key] = self._child(frame, data, key)
        return Split(list(frames.values()))

    def _child(self, frame: Frame, data: Any, key: str) -> Frame:
        child = frame.child(data, key)
        if self._as is None:
            child.schema = ""
        return child

    def shape(self, shape: Shape) -> Shape:
        item = path_shape(shape, self._in.text).item()
        return item if self._as is None else shape.with_path((self._as,), item)

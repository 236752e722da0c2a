"""Step type `claim_check`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from engine.sdk import (
    UNKNOWN,
    Build,
    Frame,
    Options,
    Path,
    Permanent,
    Shape,
    Size,
    Step,
    decode,
    reaching,
    step,
    written,
)
from engine.steps.support.paths import check_path
from engine.steps.support.waiting import context_of

ABOVE = 256 << 10
TICKET = "$blob"


@step("claim_check")
class ClaimCheck(Step):
    """Puts a large value aside and carries a ticket for it.

    `claim_check: {path: image, above: 256KiB}` replaces a value whose JSON is larger by `{"$blob": <SHA-256>, "size":
    <bytes>}`; a smaller one stays. `claim_check: {path: image, restore: true}` brings it back. Without `path` the
    whole data is meant. The engine does the same by itself for bodies too large for the transport; this step is for
    values that most sinks should not get.
    On failure: the blob store out of reach is tried again; a ticket whose content is gone is the work item
    `claim-check-lost`.
    """

    reaches = reaching("state")

    class Config(Options):
        path: Path | None = Field(None, description="the value; the whole data when left out", examples=["image"])
        above: Size = Field(
            ABOVE,
            json_schema_extra={"default": "256KiB"},
            description="put aside what is larger than this",
            examples=["256KiB"],
        )
        restore: Literal[True] | None = Field(None, description="bring back instead of putting aside")

    def __init__(self, config: Config, build: Build) -> None:
        self._path = config.path or ()
        self._above = config.above
        self._restore = config.restore is True
        self._id = build.step
        if config.path is not None:
            check_path(config.path, build, "path")

    async def run(self, frame: Frame) -> None:
        value = frame.data
        for name in self._path:
            value = value.get(name) if isinstance(value, dict) else None
        changed = await (self._claim(frame, value) if self._restore else self._check_in(frame, value))
        if changed is not value:
            frame.put(self._path, changed)

    async def _check_in(self, frame: Frame, value: Any) -> Any:
        content = written(value)
        if len(content) <= self._above:
            return value
        return {TICKET: await context_of(frame, self._id).blobs.put(content), "size": len(content)}

    async def _claim(self, frame: Frame, value: Any) -> Any:
        if not isinstance(value, dict) or not isinstance(value.get(TICKET), str):
            return value
        try:
            return decode(await context_of(frame, self._id).blobs.get(value[TICKET]))
        except KeyError:
            raise Permanent(
                "claim-check-lost", f"the content of ticket {value[TICKET]} is not there any more"
            ) from None

    def shape(self, shape: Shape) -> Shape:
        return shape.with_path(self._path, UNKNOWN)

"""Step type `try`."""

from __future__ import annotations

from collections.abc import Awaitable
from inspect import isawaitable
from typing import Any

from pydantic import Field

from engine.sdk import (
    PURE,
    UNKNOWN,
    Build,
    Frame,
    Options,
    Reason,
    Shape,
    Signal,
    Split,
    Step,
    StepFailed,
    Steps,
    StepSequence,
    step,
)
from engine.steps.support.paths import shape_without

ERROR = "error"
Mark = tuple[Any, str, int]
FACTS = ("reason", "detail", "step", "data")


class Catch(Options):
    """What is done when a step failed."""

    reasons: list[Reason] | None = Field(
        None, description="only these; every permanent failure when left out", min_length=1
    )
    steps: Steps = Field(description="what is done instead; `error` says what happened")


@step("try")
class Try(Step):
    """Runs steps, and others instead when one of them fails for good.

    `try: {steps: [{id: item, enrich: {table: products, key: sku, into: product}}], catch: {reasons: [reference-missing],
    steps: [{id: as-is, set: {product.name: sku}}]}}`. The steps of `catch` see the data as it was
    before the `try`, with `error: {reason, detail, step, data}` in it; `error` is gone afterwards. Only permanent
    failures are caught: what may work later, and what may have had its effect, is retried and decided by the engine
    as everywhere.
    On failure: a failure that is not caught, or one inside `catch`, is that step's failure.
    """

    reaches = PURE

    class Config(Options):
        steps: Steps = Field(description="what is tried")
        catch: Catch = Field(description="what is done when it fails for good")

    def __init__(self, config: Config, build: Build) -> None:
        self._steps = build.steps(config.steps, "steps")
        self._facts = Shape.of_object(dict.fromkeys(FACTS, UNKNOWN))
        self._reasons = None if config.catch.reasons is None else frozenset(config.catch.reasons)
        self._catch: StepSequence = build.steps(config.catch.steps, "catch", "steps", adds={ERROR: self._facts})

    def run(self, frame: Frame) -> Signal | Awaitable[Signal | None] | None:
        mark = frame.mark()
        try:
            result = self._steps.run(frame)
        except StepFailed as failed:
            return self._caught(frame, failed, mark)
        return self._waited(frame, result, mark) if isawaitable(result) else result

    async def _waited(self, frame: Frame, pending: Awaitable[Signal | None], mark: Mark) -> Signal | None:
        try:
            return await pending
        except StepFailed as failed:
            result = self._caught(frame, failed, mark)
        return await result if isawaitable(result) else result

    def _caught(self, frame: Frame, failed: StepFailed, mark: Mark) -> Signal | Awaitable[Signal | None] | None:
        failure = failed.failure
        if failure.kind != "permanent" or (self._reasons is not None and failure.reason not in self._reasons):
            raise failed
        before = mark[0]
        if not isinstance(before, dict):
            raise failed  # there is no place for `error` in it
        facts = {"reason": failure.reason, "detail": failure.detail, "step": failed.step, "data": dict(failure.data)}
        frame.back_to(mark)
        frame.data = {**before, ERROR: facts}
        result = self._catch.run(frame)
        if isawaitable(result):
            return _cleaned_later(frame, result, facts, before)
        return _cleaned(frame, result, facts, before)

    def shape(self, shape: Shape) -> Shape:
        caught = shape_without(self._catch.shape(shape.with_path((ERROR,), self._facts)), {ERROR: None})
        return self._steps.shape(shape).union(caught)


async def _cleaned_later(frame: Frame, pending: Awaitable[Signal | None], facts: Any, before: Any) -> Signal | None:
    return _cleaned(frame, await pending, facts, before)


def _cleaned(frame: Frame, result: Signal | None, facts: Any, before: Any) -> Signal | None:
    """Take `error` out of what goes on; a field of that name the document had comes back."""
    for each in result.frames if isinstance(result, Split) else [frame]:
        if isinstance(each.data, dict) and each.data.get(ERROR) is facts:
            rest = {name: value for name, value in each.data.items() if name != ERROR}
            if isinstance(before, dict) and ERROR in before:
                rest[ERROR] = before[ERROR]
            each.data = rest
    return result

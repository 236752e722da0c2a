"""Step type `try`."""

from __future__ import annotations

from collections.abc import Awaitable
from inspect import isawaitable
from typing import Any

from pydantic import Field

from engine.sdk import (
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
    put,
    step,
)

ERROR = "error"
FACTS = ("reason", "detail", "step", "data")


class Catch(Options):
    """What is done when a step failed."""

    reasons: list[Reason] | None = Field(None, description="only these; every permanent failure when left out", min_length=1)
    steps: Steps = Field(description="what is done instead; `error` says what happened")


@step("try")
class Try(Step):
    """Runs steps, and others instead when one of them fails for good.

    `try: {steps: [..], catch: {reasons: [unknown-sku], steps: [..]}}`. The steps of `catch` see the data as it was before
    the `try`, with `error: {reason, detail, step, data}` in it; `error` is gone afterwards.
    Only permanent failures are caught: what may work later, and what may have had its effect, is retried and decided by
    the engine as everywhere.
    On failure: a failure that is not caught, or one inside `catch`, is that step's failure.
    """

    class Config(Options):
        steps: Steps = Field(description="what is tried")
        catch: Catch = Field(description="what is done when it fails for good")

    def __init__(self, config: Config, build: Build) -> None:
        self._steps = build.steps(config.steps, "steps")
        facts = UNKNOWN
        for name in FACTS:
            facts = facts.with_path((name,), UNKNOWN)
        self._facts = facts
        self._reasons = None if config.catch.reasons is None else frozenset(config.catch.reasons)
        self._catch: StepSequence = build.steps(config.catch.steps, "catch", "steps", adds={ERROR: facts})

    def run(self, frame: Frame) -> Signal | None | Awaitable[Signal | None]:
        before = (frame.data, frame.schema, len(frame.taps))
        try:
            result = self._steps.run(frame)
        except StepFailed as failed:
            return self._caught(frame, failed, *before)
        return self._waited(frame, result, *before) if isawaitable(result) else result

    async def _waited(
        self, frame: Frame, pending: Awaitable[Signal | None], data: Any, schema: str, taps: int
    ) -> Signal | None:
        try:
            return await pending
        except StepFailed as failed:
            result = self._caught(frame, failed, data, schema, taps)
        return await result if isawaitable(result) else result

    def _caught(
        self, frame: Frame, failed: StepFailed, data: Any, schema: str, taps: int
    ) -> Signal | None | Awaitable[Signal | None]:
        failure = failed.failure
        if failure.kind != "permanent" or (self._reasons is not None and failure.reason not in self._reasons):
            raise failed
        facts = {"reason": failure.reason, "detail": failure.detail, "step": failed.step, "data": dict(failure.data)}
        del frame.taps[taps:]
        frame.data, frame.schema = put(data, (ERROR,), facts), schema
        result = self._catch.run(frame)
        if isawaitable(result):
            return _cleaned_later(frame, result, facts, data)
        return _cleaned(frame, result, facts, data)

    def shape(self, shape: Shape) -> Shape:
        caught = self._catch.shape(shape.with_path((ERROR,), self._facts)).without([(ERROR,)])
        return self._steps.shape(shape).either(caught)


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

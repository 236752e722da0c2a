"""Steps in a row. Pure steps are called one after the other; only what waits is awaited."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from engine.core.errors import Failure
from engine.core.outcome import Filtered, Note
from engine.plugins.frame import Frame, Signal, Split

if TYPE_CHECKING:
    from engine.expr.jmes import Expr
    from engine.expr.shape import Shape
    from engine.plugins.contracts import Step

Result = Signal | None
Mark = tuple[Any, str, int]


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step of a Plan with what the engine puts around it.

    when         skip the step unless this is true
    proceed      `on_error: {continue: reason}`: a permanent failure is noted and the event goes on unchanged
    """

    id: str
    step: Step
    when: Expr | None = None
    proceed: str = ""


class StepFailed(Exception):
    """A Failure with the id of the step it happened in."""

    def __init__(self, failure: Failure, step: str) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.step = step


def of_item(failure: Failure, output_key: str) -> Failure:
    """The failure, saying which item of a split it is about: one of many fails the whole event."""
    if output_key and "item" not in failure.data:
        failure.data = {**failure.data, "item": output_key}
        failure.detail = f"item {output_key}: {failure.detail}" if failure.detail else f"item {output_key}"
    return failure


class StepSequence:
    """A row of planned steps; a container step holds one for each of its branches."""

    __slots__ = ("steps",)

    def __init__(self, steps: Sequence[PlannedStep]) -> None:
        self.steps = tuple(steps)

    def shape(self, shape: Shape) -> Shape:
        """What is known of the data after the last step, given what is known before the first."""
        for planned in self.steps:
            after = planned.step.shape(shape)
            certain = planned.when is None and not planned.proceed
            shape = after if certain or after is shape else shape.union(after)
        return shape

    def run(self, frame: Frame, start: int = 0) -> Result | Awaitable[Result]:
        """Run from `start` on. None: `frame` came to the end. Raises StepFailed."""
        steps = self.steps
        for index in range(start, len(steps)):
            result = self._one(steps[index], frame)
            if result is None:
                continue
            if isawaitable(result):
                return self._wait(index, frame, result)
            if isinstance(result, Split):
                return self._each(result, index + 1)
            return result
        return None

    def _one(self, planned: PlannedStep, frame: Frame) -> Result | Awaitable[Result]:
        mark = frame.mark()
        try:
            if planned.when is not None and not planned.when.condition(frame.data, frame.env):
                return None
            result = planned.step.run(frame)
        except StepFailed as failed:
            return self._failed(planned, frame, failed, mark)
        except Failure as failure:
            return self._failed(planned, frame, StepFailed(failure, planned.id), mark)
        if result is not None and isawaitable(result):
            return self._awaited(planned, frame, result, mark)
        return self._settled(planned, frame, result, mark[0])

    async def _awaited(self, planned: PlannedStep, frame: Frame, pending: Awaitable[Result], mark: Mark) -> Result:
        try:
            result = await pending
        except StepFailed as failed:
            return self._failed(planned, frame, failed, mark)
        except Failure as failure:
            return self._failed(planned, frame, StepFailed(failure, planned.id), mark)
        return self._settled(planned, frame, result, mark[0])

    @staticmethod
    def _settled(planned: PlannedStep, frame: Frame, result: Result, before: Any) -> Result:
        if frame.observer is not None:
            frame.observer(planned.id, before, frame.data if result is None else result)
        if isinstance(result, Filtered) and not result.step:
            return replace(result, step=planned.id)
        return result

    @staticmethod
    def _failed(planned: PlannedStep, frame: Frame, failed: StepFailed, mark: Mark) -> None:
        if frame.observer is not None:
            frame.observer(planned.id, mark[0], failed.failure)
        if not planned.proceed or failed.failure.kind != "permanent":
            of_item(failed.failure, frame.output_key)
            raise failed
        frame.notes.append(Note("caught", f"{failed}, in step {failed.step}; goes on: {planned.proceed}"))
        frame.back_to(mark)

    async def _wait(self, index: int, frame: Frame, pending: Awaitable[Result]) -> Result:
        result = await pending
        if isinstance(result, Split):
            after = self._each(result, index + 1)
        elif result is not None:
            return result
        else:
            after = self.run(frame, index + 1)
        return await after if isawaitable(after) else after

    def _each(self, split: Split, start: int) -> Result | Awaitable[Result]:
        """Run the rest for every frame of a split and gather those that came to the end."""
        frames: list[Frame] = []
        filtered: Filtered | None = None
        for position, frame in enumerate(split.frames):
            result = self.run(frame, start)
            if result is not None and isawaitable(result):
                return self._each_waiting(split, start, position, result, frames, filtered)
            filtered = self._gather(frame, result, frames) or filtered
        return Split(frames) if frames or filtered is None else filtered

    async def _each_waiting(
        self,
        split: Split,
        start: int,
        position: int,
        pending: Awaitable[Result],
        frames: list[Frame],
        filtered: Filtered | None,
    ) -> Result:
        filtered = self._gather(split.frames[position], await pending, frames) or filtered
        for frame in split.frames[position + 1 :]:
            result = self.run(frame, start)
            filtered = self._gather(frame, await result if isawaitable(result) else result, frames) or filtered
        return Split(frames) if frames or filtered is None else filtered

    @staticmethod
    def _gather(frame: Frame, result: Any, frames: list[Frame]) -> Filtered | None:
        if result is None:
            frames.append(frame)
        elif isinstance(result, Split):
            frames.extend(result.frames)
        else:
            return result  # type: ignore[no-any-return]
        return None

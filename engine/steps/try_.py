"""Step type `try`."""

from __future__ import annotations

from collections.abc import Awaitable
from inspect import isawaitable
from typing import Any, Literal

from pydantic import Field

from engine.sdk import (
    PURE,
    UNKNOWN,
    Build,
    Failure,
    Frame,
    Note,
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
    written,
)
from engine.steps.support.paths import shape_without

ERROR = "error"
Mark = tuple[Any, str, int]
FACTS = ("reason", "detail", "step", "data")


class Catch(Options):
    """What is done when a step failed."""

    unavailable: Literal[True] | None = Field(None, description="a system that is asked does not answer now")
    reasons: list[Reason] | None = Field(
        None,
        description="permanent failures with these reasons; every permanent one when left out, none beside `unavailable`",
        min_length=1,
    )
    steps: Steps = Field(description="what is done instead; `error` says what happened")


@step("try")
class Try(Step):
    """Runs steps, and others instead when one of them fails for good, or cannot ask now.

    `try: {steps: [{id: item, enrich: {table: products, key: sku, into: product}}], catch: {reasons: [reference-missing],
    steps: [{id: as-is, set: {product.name: sku}}]}}`. The steps of `catch` see the data as it was
    before the `try`, with `error: {reason, detail, step, data}` in it; `error` is gone afterwards. Each failure that is
    caught is a line of the journal, `caught`.
    Only permanent failures are caught: what may work later, and what may have had its effect, is retried and decided by
    the engine as everywhere. `catch: {unavailable: true, steps: [..]}` catches one thing that may work later: a `call`
    or `enrich` that only reads and gets no answer within its own `timeout` and `retry`, or is told to come back
    later, or whose connection is known to be down. The steps tried change nothing then, in no system and in no state:
    one that does is a finding. A financial route remembers what it caught with the event's outcome, so a copy or a
    restart does not decide otherwise because the system answers by then; replaying a work item asks anew.
    On failure: a failure that is not caught, or one inside `catch`, is that step's failure.
    """

    reaches = PURE

    class Config(Options):
        steps: Steps = Field(description="what is tried")
        catch: Catch = Field(description="what is done when it fails for good")

    def __init__(self, config: Config, build: Build) -> None:
        self._id = build.step
        self._unavailable = config.catch.unavailable is True
        self._steps = build.steps(config.steps, "steps", reading=self._unavailable)
        self._facts = Shape.of_object(dict.fromkeys(FACTS, UNKNOWN))
        reasons = config.catch.reasons
        self._reasons = None if reasons is None and not self._unavailable else frozenset(reasons or ())
        self._catch: StepSequence = build.steps(config.catch.steps, "catch", "steps", adds={ERROR: self._facts})

    def run(self, frame: Frame) -> Signal | Awaitable[Signal | None] | None:
        mark = frame.mark()
        place = frame.run_of(self._id) if self._unavailable else ""
        if place and frame.caught is not None and (facts := frame.caught.get(place)) is not None:
            frame.notes.append(_note(facts, place))
            return self._instead(frame, facts, mark[0])
        try:
            result = self._steps.run(frame)
        except StepFailed as failed:
            return self._caught(frame, failed, mark, place)
        return self._waited(frame, result, mark, place) if isawaitable(result) else result

    async def _waited(self, frame: Frame, pending: Awaitable[Signal | None], mark: Mark, place: str) -> Signal | None:
        try:
            return await pending
        except StepFailed as failed:
            result = self._caught(frame, failed, mark, place)
        return await result if isawaitable(result) else result

    def _caught(
        self, frame: Frame, failed: StepFailed, mark: Mark, place: str
    ) -> Signal | Awaitable[Signal | None] | None:
        failure, before = failed.failure, mark[0]
        if not self._catches(failure, frame) or not isinstance(before, dict):  # without a place for `error` in it
            raise failed
        facts = _facts(failed)
        frame.back_to(mark)
        frame.notes.append(_note(facts, place if failure.unanswered else ""))
        return self._instead(frame, facts, before)

    def _catches(self, failure: Failure, frame: Frame) -> bool:
        """Decided again it waits for the answer it had, or it would say something else than was written down."""
        if failure.kind == "permanent":
            return self._reasons is None or failure.reason in self._reasons
        return self._unavailable and failure.unanswered and frame.caught is None

    def _instead(self, frame: Frame, facts: Any, before: Any) -> Signal | Awaitable[Signal | None] | None:
        frame.data = {**before, ERROR: facts}
        result = self._catch.run(frame)
        if isawaitable(result):
            return _cleaned_later(frame, result, facts, before)
        return _cleaned(frame, result, facts, before)

    def shape(self, shape: Shape) -> Shape:
        caught = shape_without(self._catch.shape(shape.with_path((ERROR,), self._facts)), {ERROR: None})
        return self._steps.shape(shape).union(caught)


def _facts(failed: StepFailed) -> dict[str, Any]:
    """What `error` says. It is written down: of facts that JSON cannot hold it is their text."""
    failure = failed.failure
    facts = {"reason": failure.reason, "detail": failure.detail, "step": failed.step, "data": dict(failure.data)}
    try:
        written(facts)
    except Failure:
        told = {str(name): ascii(fact) for name, fact in failure.data.items()}
        return {**facts, "detail": ascii(failure.detail), "data": told}
    return facts


def _note(facts: Any, place: str) -> Note:
    told = ": ".join(part for part in (facts["step"], facts["reason"], facts["detail"]) if part)
    return Note("caught", told, place, facts if place else None)


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

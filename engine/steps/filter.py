"""Step type `filter`."""

from __future__ import annotations

from pydantic import Field

from engine.sdk import PURE, Build, Filtered, Frame, Options, Reason, Step, step


@step("filter")
class Filter(Step):
    """Ends the event here, with a reason.

    `when: is_true(training)` beside `filter: {reason: training-mode}`. The event is done: it is counted as filtered
    under its reason and found in the journal. Without `when` every event that comes here ends, as in a branch of a
    `choose`.
    Never fails; a condition that is not a yes/no answer is the work item `not-yes-no`.
    """

    reaches = PURE

    class Config(Options):
        reason: Reason = Field(description="why events end here", examples=["training-mode"])

    def __init__(self, config: Config, build: Build) -> None:
        self._signal = Filtered(config.reason, build.step)

    def run(self, frame: Frame) -> Filtered:
        return self._signal

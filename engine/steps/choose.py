"""Step type `choose`."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, RootModel

from engine.sdk import PURE, Build, Condition, Frame, Options, Rejected, Shape, Signal, Step, Steps, step


class Branch(Options):
    """One way through a `choose`."""

    when: Condition | None = Field(None, description="take this branch if this holds")
    otherwise: Literal[True] | None = Field(None, description="take this branch if no other holds; the last one")
    steps: Steps = Field(description="what is done on this branch")


@step("choose")
class Choose(Step):
    """Runs the steps of the first branch whose condition holds.

    `choose: [{when: is_true(training), steps: [{id: skip, filter: {reason: training}}]}, {otherwise: true,
    steps: [{id: tidy, drop: [training]}]}]`. Conditions are asked in order; only one branch runs.
    On failure: without `otherwise` an event for which no branch holds is the work item `no-branch`. A failure inside a
    branch names the step in it.
    """

    reaches = PURE

    class Config(RootModel[list[Branch]]):
        """Branches, asked in order."""

        model_config = ConfigDict(strict=True, frozen=True)
        root: Annotated[list[Branch], Field(min_length=1)] = Field(description="branches, asked in order")

    def __init__(self, config: Config, build: Build) -> None:
        last = len(config.root) - 1
        for index, branch in enumerate(config.root):
            if (branch.when is None) == (branch.otherwise is None):
                build.finding(
                    "TF1161",
                    "a branch has exactly one of `when` and `otherwise`",
                    index,
                    help="write `when: <condition>`, or `otherwise: true` in the last branch",
                )
            elif branch.otherwise and index != last:
                build.finding(
                    "TF1162", "`otherwise` comes last; the branches after it are never asked", index, "otherwise"
                )
        self._branches = [
            (branch.when, build.steps(branch.steps, index, "steps")) for index, branch in enumerate(config.root)
        ]

    def run(self, frame: Frame) -> Signal | Awaitable[Signal | None] | None:
        data, env = frame.data, frame.env
        for when, steps in self._branches:
            if when is None or when.condition(data, env):
                return steps.run(frame)
        asked = "; ".join(when.text for when, _ in self._branches if when is not None)
        raise Rejected("no-branch", f"no branch holds: {asked}")

    def shape(self, shape: Shape) -> Shape:
        after = [steps.shape(shape) for _, steps in self._branches]
        known = after[0]
        for other in after[1:]:
            known = known.union(other)
        return known

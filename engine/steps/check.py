"""Step type `check`."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, RootModel

from engine.core.quoting import short
from engine.sdk import PURE, Build, Condition, Frame, Options, Step, step
from engine.steps.support.rejecting import WorkItem


class Rule(Options):
    """One thing that must hold."""

    that: Condition = Field(description="what must hold", examples=["money_sum(lines, 'net') == totals.net"])
    otherwise: WorkItem = Field(description="what becomes of the event if it does not")


@step("check")
class Check(Step):
    """Refuses an event for which a rule does not hold.

    `check: [{that: "money_sum(lines, 'net') == totals.net", otherwise: {work_item: total-mismatch}}]`. Rules are
    asked in order.
    On failure: the first rule that does not hold makes the work item it names; `detail` may say more, `owner` may
    name who decides. A rule that cannot be asked (a missing amount, different types) is a work item that says why,
    never a rule that holds.
    """

    reaches = PURE

    class Config(RootModel[list[Rule]]):
        """Rules, asked in order."""

        model_config = ConfigDict(strict=True, frozen=True)
        root: Annotated[list[Rule], Field(min_length=1)] = Field(description="rules, asked in order")

    def __init__(self, config: Config, build: Build) -> None:
        self._rules = [(rule.that, rule.otherwise.refusal()) for rule in config.root]

    def run(self, frame: Frame) -> None:
        data, env = frame.data, frame.env
        for that, refusal in self._rules:
            if not that.condition(data, env):
                raise refusal.failure(data, env, f"does not hold: {short(that.text)}", rule=that.text)

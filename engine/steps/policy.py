"""Step type `policy`."""

from __future__ import annotations

from pydantic import Field

from engine.core.quoting import short
from engine.sdk import PURE, Build, Condition, Filtered, Frame, Options, Reason, Signal, Step, Value, step
from engine.steps.support.rejecting import Refusal


class Denial(Options):
    """A case in which the answer is no."""

    when: Condition = Field(description="when the answer is no", examples=["days_between(sold, returned) > `30`"])
    reason: Reason = Field(description="why", examples=["too-late"])


class Review(Options):
    """A case a person has to decide."""

    when: Condition = Field(description="when a person decides", examples=["totals.gross > money('250.00')"])
    reason: Reason = Field(description="reason of the work item", examples=["high-value"])
    detail: Value | None = Field(None, description="a sentence for the person who decides")
    owner: str | None = Field(None, description="who decides; the route's owner when left out", min_length=1)


@step("policy")
class Policy(Step):
    """Decides by rules whether an event goes on: denied, for a person to review, or allowed.

    `policy: {deny: [{when: is_true(used), reason: used-goods}], review: [{when: is_true(no_receipt), reason: no-receipt}]}`.
    Denials are asked first, then reviews, each in order; an event that no rule names goes on.
    A denied event ends here, counted as filtered under the rule's reason: the business said no, nothing is broken.
    On failure: a review is a work item with the rule's reason; replayed after the decision it needs a change that takes
    it past the rule. A rule that cannot be asked is a work item that says why.
    """

    reaches = PURE

    class Config(Options):
        deny: list[Denial] = Field(default_factory=list, description="cases that end the event")
        review: list[Review] = Field(default_factory=list, description="cases that wait for a person")

    def __init__(self, config: Config, build: Build) -> None:
        if not config.deny and not config.review:
            build.finding("TF1172", "a policy without a rule allows everything", help="name `deny` or `review` cases")
        self._deny = [(rule.when, Filtered(rule.reason, build.step)) for rule in config.deny]
        self._review = [(rule.when, Refusal(rule.reason, rule.detail, rule.owner)) for rule in config.review]

    def run(self, frame: Frame) -> Signal | None:
        data, env = frame.data, frame.env
        for when, denied in self._deny:
            if when.condition(data, env):
                return denied
        for when, review in self._review:
            if when.condition(data, env):
                raise review.failure(data, env, f"for review: {short(when.text)}", rule=when.text)
        return None

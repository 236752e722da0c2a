"""A rule that says no: which work item it makes, for whom, with which sentence."""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic import Field

from engine.sdk import Env, Failure, Options, Reason, Rejected, Value, ValueExpr, evaluate


class Refusal(NamedTuple):
    """What a rule makes of an event it refuses."""

    reason: str
    detail: ValueExpr | None = None
    owner: str | None = None

    def failure(self, data: Any, env: Env, otherwise: str, **facts: Any) -> Rejected:
        """The failure to raise. A detail that cannot be made never hides the rule's own reason."""
        detail = otherwise
        if self.detail is not None:
            try:
                detail = "".join(map(str, evaluate(self.detail, data, env, "detail")))
            except Failure as failure:
                detail = f"{otherwise} (its detail could not be made: {failure.detail or failure.reason})"
        if self.owner:
            facts["owner"] = self.owner
        return Rejected(self.reason, detail, data=facts)


class WorkItem(Options):
    """The work item a rule makes."""

    work_item: Reason = Field(description="reason of the work item", examples=["total-mismatch"])
    detail: Value | None = Field(None, description="a sentence for the person who decides; a text or template")
    owner: str | None = Field(None, description="who decides; the route's owner when left out", min_length=1)

    def refusal(self) -> Refusal:
        """The same, ready to be raised."""
        return Refusal(self.work_item, self.detail, self.owner)

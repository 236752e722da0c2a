"""A rule that says no: which work item it makes, for whom, with which sentence."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from engine.sdk import Env, Failure, Options, Reason, Rejected, Value, evaluate


class WorkItem(Options):
    """The work item a rule makes."""

    work_item: Reason = Field(description="reason of the work item", examples=["total-mismatch"])
    detail: Value | None = Field(None, description="a sentence for the person who decides; a text or template")
    owner: str | None = Field(None, description="who decides; the route's owner when left out", min_length=1)


def reject(rule: WorkItem, data: Any, env: Env, otherwise: str, **facts: Any) -> Rejected:
    """The failure of a rule. A detail that cannot be made never hides the rule's own reason."""
    detail = otherwise
    if rule.detail is not None:
        try:
            detail = "".join(map(str, evaluate(rule.detail, data, env, "detail")))
        except Failure as failure:
            detail = f"{otherwise} (its detail could not be made: {failure.detail or failure.reason})"
    if rule.owner:
        facts["owner"] = rule.owner
    return Rejected(rule.work_item, detail, data=facts)

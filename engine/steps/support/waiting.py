"""Reaching what only a running engine has."""

from __future__ import annotations

from engine.sdk import Frame, Permanent, StepContext


def context_of(frame: Frame, step: str) -> StepContext:
    """What a waiting step may reach. Raises Permanent `needs-engine` in a run without one."""
    if frame.context is None:
        raise Permanent("needs-engine", f"step {step} reaches outside the event and cannot run here without a stub")
    return frame.context

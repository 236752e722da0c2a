"""The step types that come with the engine; one file each, named like the step type."""

from __future__ import annotations

from engine.sdk import Step
from engine.steps.aggregate import Aggregate
from engine.steps.call import CallStep
from engine.steps.check import Check
from engine.steps.choose import Choose
from engine.steps.claim_check import ClaimCheck
from engine.steps.delay import Delay
from engine.steps.drop import Drop
from engine.steps.enrich import Enrich
from engine.steps.filter import Filter
from engine.steps.keep import Keep
from engine.steps.map import Map
from engine.steps.mask import MaskStep
from engine.steps.policy import Policy
from engine.steps.set import Set
from engine.steps.slot import Slot
from engine.steps.split import SplitStep
from engine.steps.subflow import Subflow
from engine.steps.template import TemplateStep
from engine.steps.throttle import Throttle
from engine.steps.try_ import Try
from engine.steps.validate import Validate
from engine.steps.wire_tap import WireTap

BUILTIN: tuple[type[Step], ...] = (
    Aggregate,
    CallStep,
    Check,
    Choose,
    ClaimCheck,
    Delay,
    Drop,
    Enrich,
    Filter,
    Keep,
    Map,
    MaskStep,
    Policy,
    Set,
    Slot,
    SplitStep,
    Subflow,
    TemplateStep,
    Throttle,
    Try,
    Validate,
    WireTap,
)

__all__ = ["BUILTIN"]

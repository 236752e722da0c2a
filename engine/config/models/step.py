"""A step's skeleton: the keys every step may carry, and one step type whose body stays raw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from engine.config.models.base import ExpressionText, Name, Raw, Skeleton, Word, problem
from engine.config.nearest import suggestion
from engine.core.distance import distance

COMMON: tuple[str, ...] = ("id", "when", "on_error", "lock", "may")
SLOT: tuple[str, ...] = ("allows", "yields")
May = Literal["disable", "insert_before", "insert_after"]

LATER_STEPS: Mapping[str, str] = {
    "saga": "a process whose steps can be undone",
    "await": "waiting for another event",
    "decide": "a person in the loop",
    "parallel": "branches side by side",
    "gather": "collecting answers of many systems",
    "resequence": "putting events back in order",
}

# Words of the language: they tell which key of a muddled step is its type. What exists is decided by the registry.
STEP_WORDS: frozenset[str] = frozenset(
    {"validate", "map", "set", "keep", "drop", "filter", "choose", "split", "aggregate", "enrich", "call", "throttle"}
    | {"delay", "wire_tap", "claim_check", "policy", "check", "mask", "try", "slot", "subflow", "template"}
)


class OnErrorDoc(Skeleton):
    """What happens when a step fails; without it the event becomes a work item."""

    later: ClassVar[Mapping[str, str]] = {
        "not_found": "an answer of its own when something is missing",
        "unavailable": "an answer of its own when a system is away",
        "reply": "an answer to the caller",
    }

    continue_: Annotated[Word, Field(alias="continue", description="Why the event goes on although the step failed.")]


class StepDoc(Skeleton):
    """One step: `type` and `body` are the one key that is not common, and its value.

    A slot's id is its name; `allows` and `yields` stand beside it and are None for other types.
    """

    later: ClassVar[Mapping[str, str]] = LATER_STEPS

    id: Annotated[Name, Field(description="Name of the step, for figures, tests, overlays and errors.")]
    type: Annotated[str, Field(description="Step type.")]
    body: Raw = None
    when: Annotated[ExpressionText, Field(description="The step runs when this is true.")] = None
    on_error: OnErrorDoc | None = None
    lock: Annotated[bool, Field(description="Overlays cannot change the step.")] = False
    may: Annotated[list[May], Field(description="What overlays may do at this step.")] = Field(default_factory=list)
    allows: list[Literal["pure", "reads", "calls", "state"]] | None = None
    yields: Annotated[Word | None, Field(description="Path under which what is filled in may add data.")] = None

    @model_validator(mode="before")
    @classmethod
    def _find_type(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw  # pydantic says what is expected
        if "slot" not in raw and any(key in raw for key in SLOT):
            raise _no_slot(raw)
        type_ = step_type(raw)
        if not type_:
            raise problem("TF1113", "this step does nothing", "add a step type: map, filter, check, enrich, ...")
        if type_ in LATER_STEPS:
            raise reserved(type_, LATER_STEPS)
        rest = {key: value for key, value in raw.items() if key != type_}
        if type_ == "slot":
            return {**rest, "id": raw["slot"], "type": "slot", "body": raw["slot"]} if "id" not in raw else _slot_id()
        if "type" in rest or "body" in rest:
            name = "type" if "type" in rest else "body"
            advice = f"give the step type as key: `{type_}:`"
            raise problem("TF1101", f"`{name}` is not a key of a step", advice, path=(name,), key=True)
        return {**rest, "type": type_, "body": raw[type_]}


def _slot_id() -> Any:
    raise problem("TF1101", "a slot has no `id`: its name is its id", "remove `id`", path=("id",), key=True)


def _no_slot(raw: Mapping[str, Any]) -> Any:
    """`allows` or `yields` without `slot`."""
    near = next((key for key in raw if suggestion(key, ("slot",))), "")
    if near:
        return problem(
            "TF1101", f"`{near}` is not a key of a step", "did you mean `slot`?", "slot", path=(near,), key=True
        )
    given = next(key for key in SLOT if key in raw)
    return problem(
        "TF1101", f"only a slot has `{given}`", "add `slot:` with its name, or remove it", path=(given,), key=True
    )


def step_type(raw: Any) -> str:
    """The key of a step that names its type; empty when it has none."""
    if not isinstance(raw, dict):
        return ""
    keys = COMMON + SLOT if "slot" in raw else COMMON
    others = [key for key in raw if key not in keys]
    return _type_among(others, raw) if others else ""


def _type_among(others: list[str], raw: Mapping[str, Any]) -> str:
    if len(others) == 1:
        return others[0]

    def likelihood(key: str) -> tuple[bool, bool, bool, bool]:
        known = key in STEP_WORDS or key in LATER_STEPS
        common = not known and any(distance(key, name, 1) <= 1 for name in COMMON)
        return (known, not common, isinstance(raw[key], dict | list), suggestion(key, STEP_WORDS) != "")

    return max(others, key=likelihood)  # the first of equals


def reserved(word: str, words: Mapping[str, str]) -> Any:
    """The finding for a word that later versions will know."""
    advice = f"this version has no `{word}` ({words[word]}); leave it out for now"
    return problem("TF1107", f"`{word}` is reserved for later", advice, path=(word,), key=True)

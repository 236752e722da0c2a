"""What is said about a key nobody knows: the nearest one, where it belongs, or that it is a word for later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.config.errorplace import Context, block_name, value_at
from engine.config.models.base import Skeleton
from engine.config.models.step import COMMON, LATER_STEPS, SLOT, STEP_WORDS, StepDoc, step_type
from engine.config.modelwalk import Model, anywhere, below, keys_of, model_at
from engine.config.nearest import did_you_mean, nearest, suggestion
from engine.config.nodes import Path
from engine.core.findings import Finding


def unknown_key(context: Context, item: Any) -> Finding:
    """The Finding for a key that pydantic does not know: reserved, misplaced, misspelt, or simply none."""
    path = context.path(item["loc"])
    name, parent = str(path[-1]), path[:-1]
    mark = context.document.marks.key(path)
    model = model_at(context.model, context.relative(parent))
    block = block_name(context, parent)
    known = list(keys_of(model)) if model is not None else []
    if parent == context.base:
        known += context.around.also
    later = {**LATER_STEPS, **(model.later if model is not None and issubclass(model, Skeleton) else {})}
    if name in later:
        advice = f"this version has no `{name}` ({later[name]}); leave it out for now"
        return Finding("TF1107", f"`{name}` is reserved for later", mark, advice)
    if model is StepDoc and (about_step := _beside_type(context, parent, name)):
        code, message, advice, better = about_step
        return Finding(code, message, mark, advice, better)
    place = _misplaced(context, parent, name, model)
    if place:
        return Finding("TF1106", f"`{name}` does not belong in {block}", mark, place)
    near = nearest(name, known, _of_type(model, item["input"]))
    if near:
        return Finding("TF1101", f"`{name}` is not a key of {block}", mark, did_you_mean(near), near[0])
    elsewhere = anywhere(context.model).get(name)
    if elsewhere:
        return Finding("TF1106", f"`{name}` does not belong in {block}", mark, f"it belongs under `{elsewhere}`")
    deeper = suggestion(name, below(model)) if model is not None else ""
    if deeper and model is not None:
        advice = f"did you mean `{deeper}`? It belongs under `{below(model)[deeper][0]}`"
        return Finding("TF1101", f"`{name}` is not a key of {block}", mark, advice, deeper)
    advice = f"keys here: {', '.join(known)}" if known else "no keys are known here"
    return Finding("TF1101", f"`{name}` is not a key of {block}", mark, advice)


def _beside_type(context: Context, parent: Path, name: str) -> tuple[str, str, str, str] | None:
    """A key of a step that is neither common nor its type."""
    type_ = step_type(value_at(context.document, parent))
    if name in STEP_WORDS:
        return "TF1112", f"a step has one type: here are `{type_}` and `{name}`", f"make `{name}` a step of its own", ""
    near = nearest(name, COMMON + SLOT if type_ == "slot" else COMMON)
    if near:
        return "TF1101", f"`{name}` is not a key of a step", did_you_mean(near), near[0]
    if name in anywhere(context.model) and name not in below(StepDoc):
        return None
    advice = f"if it belongs to `{type_}`, indent it under `{type_}:`; keys of every step: {', '.join(COMMON)}"
    return "TF1106", f"`{name}` does not belong beside `{type_}`", advice, ""


def _misplaced(context: Context, parent: Path, name: str, model: Model | None) -> str:
    """Where a key that is valid nearby belongs; empty when it is valid nowhere near."""
    if parent == context.base and name in context.around.above:
        return "it belongs one level up: indent it less by two spaces"
    if model is not None and name in below(model):
        return f"it belongs under {_or(below(model)[name])}: indent it more by two spaces"
    for length in range(len(parent) - 1, len(context.base) - 1, -1):
        upper = model_at(context.model, context.relative(parent[:length]))
        if upper is not None and not isinstance(parent[length], int) and name in keys_of(upper):
            beside = f"beside `{parent[length]}`"
            levels = sum(isinstance(part, str) for part in parent[length:])
            return f"it belongs {'one level' if levels == 1 else f'{levels} levels'} up, {beside}"
    return ""


def _or(names: Sequence[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)


def _of_type(model: Model | None, value: Any) -> list[str]:
    """Keys whose value may be a block, when a block was given, and so on: they win a draw."""
    if model is None or not isinstance(value, dict | list):
        return []
    wanted = "dict" if isinstance(value, dict) else "list"
    return [
        key for key, info in keys_of(model).items() if wanted in str(info.annotation) or "Doc" in str(info.annotation)
    ]

"""pydantic's errors as Findings at exact places, in our words. Used for skeletons and, by the compiler, for every Config."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic import ValidationError

from engine.config.document import Document
from engine.config.models.base import Skeleton, named
from engine.config.models.step import COMMON, STEP_WORDS, StepDoc, step_type
from engine.config.modelwalk import Model, anywhere, below, keys_of, model_at
from engine.config.nearest import did_you_mean, nearest, suggestion
from engine.config.nodes import Path
from engine.config.syntax import quoted
from engine.core.findings import Finding, Mark

_EXPECTED: Final[Mapping[str, str]] = {
    "string_type": "text",
    "bool_type": "yes/no",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "decimal_type": "a number",
    "is_instance_of": "a value of another kind",
    "dict_type": "a block of keys",
    "mapping_type": "a block of keys",
    "model_type": "a block of keys",
    "model_attributes_type": "a block of keys",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "none_required": "nothing",
}
_BOUNDS: Final[Mapping[str, tuple[str, str]]] = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_NO_SPACE: Final = re.compile(r"([A-Za-z_][\w-]*):(?=\S)")


@dataclass(frozen=True)
class Surroundings:
    """What else is known about the place of a Config.

    also    keys that are valid here besides the model's own (read by somebody else)
    above   keys that are valid one level further up
    what    how the block is called in messages; its key by default
    """

    also: Collection[str] = ()
    above: Collection[str] = ()
    what: str = ""


@dataclass
class _Context:
    document: Document
    base: Path
    model: Model
    data: Any
    around: Surroundings = field(default_factory=Surroundings)

    def path(self, loc: Sequence[str | int]) -> Path:
        """The path in the document of an error's location: tags of unions are no keys and are skipped."""
        value, path = self.data, self.base
        for position, part in enumerate(loc):
            if isinstance(value, dict) and part in value:
                value, path = value[part], (*path, part)
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value, path = value[part], (*path, part)
            elif isinstance(value, dict) and position == len(loc) - 1:
                return (*path, part)
        return path

    def relative(self, path: Path) -> Path:
        return path[len(self.base) :]


def findings_of(
    error: ValidationError,
    document: Document,
    base_path: Path,
    model: Model,
    *,
    also: Collection[str] = (),
    above: Collection[str] = (),
    what: str = "",
) -> list[Finding]:
    """Findings for what pydantic says about the value at `base_path` of the document. See Surroundings."""
    data = _value_at(document, base_path)
    context = _Context(document, base_path, model, data, Surroundings(also, above, what))
    errors = error.errors(include_url=False)
    unknown = [e for e in errors if e["type"] == "extra_forbidden"]
    findings = [_unknown_key(context, e) for e in unknown]
    planned = {context.path(e["loc"])[:-1] for e, f in zip(unknown, findings, strict=True) if f.code == "TF1107"}
    repaired = {(context.path(e["loc"])[:-1], f.suggestion) for e, f in zip(unknown, findings, strict=True)}
    for item in errors:
        if item["type"] == "extra_forbidden":
            continue
        path = context.path(item["loc"])
        if item["type"] == "missing" and ((path[:-1], path[-1]) in repaired or path[:-1] in planned):
            continue  # the misspelt key, or the word for later, already says it
        findings.append(_hidden(context, item, path, _finding(context, item, path)))
    return list(dict.fromkeys(findings))


def _hidden(context: _Context, item: Any, path: Path, finding: Finding) -> Finding:
    """A value that came from the environment is told by its reference."""
    if not context.document.marks.is_replaced(path):
        return finding
    written = context.document.marks.written(path).strip("\"'")
    value = str(item["input"])
    message = finding.message.replace(value, written) if value else finding.message
    return replace(finding, message=message, help=finding.help.replace(value, written) if value else finding.help, suggestion="")


def _value_at(document: Document, path: Path) -> Any:
    try:
        return document.at(path)
    except (KeyError, IndexError, TypeError):
        return None


def _finding(context: _Context, item: Any, path: Path) -> Finding:
    kind = item["type"]
    marks = context.document.marks
    if kind == "tillflow":
        return _own(context, item, path)
    if kind == "missing":
        return _missing(context, path)
    if kind in ("literal_error", "enum"):
        return _not_a_choice(context, item, path)
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        text = f"{_name(path)} is {words} {item['ctx'][name]}, this is {item['input']}"
        return Finding("TF1105", text, marks.value(path), "choose a value inside the bounds")
    if kind in ("too_short", "string_too_short", "too_long", "string_too_long"):
        return _wrong_length(context, item, path)
    if kind == "string_pattern_mismatch":
        text = f"{_name(path)} does not have the form {item['ctx']['pattern']}"
        return Finding("TF1119", text, marks.value(path), "compare with the example of the reference")
    if kind in _EXPECTED:
        return _wrong_type(context, item, path, _EXPECTED[kind])
    message = item["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return Finding("TF1119", f"{_name(path)}: {message}", marks.value(path), "compare with the example of the reference")


def _name(path: Path) -> str:
    """`owner`, or `an item of steps`."""
    if not path:
        return "this file"
    if isinstance(path[-1], int):
        return f"an item of `{path[-2]}`" if len(path) > 1 else "an item"
    return f"`{path[-1]}`"


def _block(context: _Context, path: Path) -> str:
    """How the block at `path` is called."""
    if context.around.what and path == context.base:
        return context.around.what
    names = [part for part in path if isinstance(part, str)]
    if not names:
        return "this file"
    return f"an item of `{names[-1]}`" if isinstance(path[-1], int) else f"`{names[-1]}`"


def _own(context: _Context, item: Any, path: Path) -> Finding:
    """An error made by a field type or validator: it carries its code and place."""
    told = item["ctx"]
    path = (*path, *told.get("path", ()))
    marks = context.document.marks
    mark: Mark
    if told.get("key"):
        mark = marks.key(path)
    elif told.get("length", 0) > 0:
        mark = marks.inside(path, told.get("offset", 0), told["length"])
    elif not path or isinstance(_value_at(context.document, path), dict):
        mark = marks.key(path)
    else:
        mark = marks.value(path)
    return Finding(told["code"], told["message"], mark, told.get("help", ""), told.get("suggestion", ""))


def _missing(context: _Context, path: Path) -> Finding:
    parent, name = path[:-1], path[-1]
    model = model_at(context.model, context.relative(parent))
    about = keys_of(model)[str(name)].description if model is not None and str(name) in keys_of(model) else None
    help = f"add `{name}:`" + (f" ({about.rstrip('.')})" if about else "")
    text = f"`{name}` is missing in {_block(context, parent)}"
    return Finding("TF1102", text, context.document.marks.key(parent), help)


def _not_a_choice(context: _Context, item: Any, path: Path) -> Finding:
    choices = re.findall(r"'([^']*)'", item["ctx"]["expected"]) or re.split(r", | or ", item["ctx"]["expected"])
    given = item["input"]
    near = nearest(given, choices) if isinstance(given, str) else []
    if not near and len(choices) == 1:
        near = choices
    help = did_you_mean(near) if near and isinstance(given, str) else f"one of {', '.join(choices)}"
    shown = f"`{given}`" if isinstance(given, str) else named(given)
    mark = context.document.marks.value(path)
    return Finding("TF1104", f"{shown} is not a value of {_name(path)}", mark, help, near[0] if near else "")


def _wrong_length(context: _Context, item: Any, path: Path) -> Finding:
    told = item["ctx"]
    least = told.get("min_length")
    mark = context.document.marks.value(path)
    if least is not None:
        text = f"{_name(path)} is empty" if least == 1 else f"{_name(path)} has fewer than {least} entries"
        return Finding("TF1114", text, mark, "add an entry, or leave the key out")
    return Finding("TF1105", f"{_name(path)} has more than {told['max_length']} entries", mark, "shorten it")


def _wrong_type(context: _Context, item: Any, path: Path, expected: str) -> Finding:
    given = item["input"]
    marks = context.document.marks
    mark = marks.value(path)
    if expected == "text" and isinstance(given, bool | int) or _is_decimal(given):
        written = marks.written(path) or str(given)
        return Finding(
            "TF1103", f"{_name(path)} is {expected}, this is {named(given)}", mark, "put it in quotes", quoted(written)
        )
    if expected == "a block of keys" and isinstance(given, str) and (glued := _NO_SPACE.match(given)):
        text = f"`{glued[1]}:` has no space after the colon"
        return Finding("TF1042", text, marks.inside(path, 0, len(glued[0])), "write a space after the colon", f"{glued[1]}: ")
    help = _type_help(expected, given)
    return Finding("TF1103", f"{_name(path)} is {expected}, this is {named(given)}", mark, help)


def _is_decimal(value: Any) -> bool:
    return type(value).__name__ == "Decimal"


def _type_help(expected: str, given: Any) -> str:
    if expected == "yes/no":
        return "write true or false"
    if expected == "a list":
        return "start each item with `- `"
    if expected == "a block of keys":
        return "write `key: value` lines, indented by two spaces"
    if expected == "a whole number":
        return "write digits without quotes" if isinstance(given, str) else "leave the fraction out"
    if type(given).__name__ in ("ParamRef", "SecretRef", "Joined"):
        return "this has to be written out: nothing is filled in here"
    return f"write {expected}"


def _unknown_key(context: _Context, item: Any) -> Finding:
    path = context.path(item["loc"])
    name, parent = str(path[-1]), path[:-1]
    mark = context.document.marks.key(path)
    model = model_at(context.model, context.relative(parent))
    block = _block(context, parent)
    known = list(keys_of(model)) if model is not None else []
    if parent == context.base:
        known += context.around.also
    if model is not None and issubclass(model, Skeleton) and name in model.later:
        help = f"this version has no `{name}` ({model.later[name]}); leave it out for now"
        return Finding("TF1107", f"`{name}` is reserved for later", mark, help)
    if model is StepDoc and (about_step := _beside_type(context, parent, name)):
        code, message, help, better = about_step
        return Finding(code, message, mark, help, better)
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
        help = f"did you mean `{deeper}`? It belongs under `{below(model)[deeper][0]}`"
        return Finding("TF1101", f"`{name}` is not a key of {block}", mark, help, deeper)
    help = f"keys here: {', '.join(known)}" if known else "no keys are known here"
    return Finding("TF1101", f"`{name}` is not a key of {block}", mark, help)


def _beside_type(context: _Context, parent: Path, name: str) -> tuple[str, str, str, str] | None:
    """A key of a step that is neither common nor its type."""
    type_ = step_type(_value_at(context.document, parent))
    if name in STEP_WORDS:
        return "TF1112", f"a step has one type: here are `{type_}` and `{name}`", f"make `{name}` a step of its own", ""
    near = nearest(name, COMMON)
    if near:
        return "TF1101", f"`{name}` is not a key of a step", did_you_mean(near), near[0]
    if name in anywhere(context.model) and name not in below(StepDoc):
        return None
    help = f"if it belongs to `{type_}`, indent it under `{type_}:`; keys of every step: {', '.join(COMMON)}"
    return "TF1106", f"`{name}` does not belong beside `{type_}`", help, ""


def _misplaced(context: _Context, parent: Path, name: str, model: Model | None) -> str:
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
    return [key for key, info in keys_of(model).items() if wanted in str(info.annotation) or "Doc" in str(info.annotation)]


def validated(
    document: Document, model: type[Any], base_path: Path = (), **around: Any
) -> tuple[Any, list[Finding]]:
    """The value at `base_path` as the model, and findings.

    Unknown keys are left out and the rest is validated again, so that one misspelt key does not hide what else is
    wrong; None when it cannot be one even then.
    """
    data = _value_at(document, base_path)
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        findings = findings_of(error, document, base_path, model, **around)
        context = _Context(document, base_path, model, data)
        wrong = [context.path(e["loc"]) for e in error.errors(include_url=False) if e["type"] == "extra_forbidden"]
        if not wrong:
            return None, findings
        pruned = _without(data, {context.relative(path) for path in wrong})
    try:
        return model.model_validate(pruned), findings
    except ValidationError as error:
        more = findings_of(error, document, base_path, model, **around)
        known = {(f.code, f.mark.line, f.mark.column) for f in findings}
        new = [f for f in more if (f.code, f.mark.line, f.mark.column) not in known]
        return None, findings + [f for f in new if not _follows(f, findings)]


def _follows(finding: Finding, first: Sequence[Finding]) -> bool:
    """True for a key that only seems to be missing: it is there, misspelt, or a word for later stands in its place."""
    if finding.code not in ("TF1102", "TF1108"):
        return False
    told = finding.message + finding.help
    return any(f.code == "TF1107" or (f.suggestion and f"`{f.suggestion}`" in told) for f in first)


def _without(value: Any, paths: set[Path], here: Path = ()) -> Any:
    if isinstance(value, dict):
        return {k: _without(v, paths, (*here, k)) for k, v in value.items() if (*here, k) not in paths}
    if isinstance(value, list):
        return [_without(item, paths, (*here, index)) for index, item in enumerate(value)]
    return value


__all__ = ["Surroundings", "findings_of", "validated"]

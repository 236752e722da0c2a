"""pydantic's errors as Findings at exact places, in our words: for skeletons and, in the compiler, for every Config."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import ValidationError

from engine.config.document import Document
from engine.config.errorplace import Context, Surroundings, block_name, value_at
from engine.config.models.base import OpenSkeleton, named
from engine.config.modelwalk import Model, keys_of, model_at
from engine.config.nearest import did_you_mean, nearest
from engine.config.nodes import Path
from engine.config.syntax import quoted
from engine.config.unknownkey import unknown_key
from engine.core.findings import Finding, Mark
from engine.core.wording import counted

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
_VARIABLE: Final = re.compile(r"\$\{([A-Z][A-Z0-9_]*)(?::.*)?\}")
_NO_SPACE: Final = re.compile(r"([A-Za-z_][\w-]*):(?=\S)")


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
    data = value_at(document, base_path)
    context = Context(document, base_path, model, data, Surroundings(also, above, what))
    errors = error.errors(include_url=False)
    unknown = [e for e in errors if e["type"] == "extra_forbidden"]
    findings = [unknown_key(context, e) for e in unknown]
    planned = {context.path(e["loc"])[:-1] for e, f in zip(unknown, findings, strict=True) if f.code == "TF1107"}
    repaired = {(context.path(e["loc"])[:-1], f.suggestion) for e, f in zip(unknown, findings, strict=True)}
    for item in errors:
        if item["type"] == "extra_forbidden":
            continue
        path = context.path(item["loc"])
        if item["type"] == "missing" and ((path[:-1], path[-1]) in repaired or path[:-1] in planned):
            continue  # the misspelt key, or the word for later, already says it
        if _undefined(context, item, path):
            continue  # an environment variable that is not set already says it
        findings.append(_hidden(context, item, path, _finding(context, item, path)))
    return list(dict.fromkeys(findings))


def _undefined(context: Context, item: Any, path: Path) -> bool:
    """The value is a reference for which there was nothing to put in."""
    value, marks = item["input"], context.document.marks
    if not isinstance(value, str) or "${" not in value or not marks.is_replaced(path):
        return False
    return bool(value == marks.written(path).strip("\"'")) and item.get("ctx", {}).get("code") != "TF1129"


def _hidden(context: Context, item: Any, path: Path, finding: Finding) -> Finding:
    """A value that came from the environment is told by its reference."""
    if not context.document.marks.is_replaced(path):
        return finding
    written = context.document.marks.written(path).strip("\"'")
    value = str(item["input"])
    if finding.code == "TF1129" and (variable := _VARIABLE.fullmatch(written)):
        name = variable[1].lower().removesuffix("_secret").removeprefix("secret_")
        advice = f"write ${{secret.{name}}} and set TILLFLOW_SECRET_{name.upper()} where the engine runs"
        return replace(finding, help=advice, suggestion="")
    message = finding.message.replace(value, written) if value else finding.message
    return replace(
        finding, message=message, help=finding.help.replace(value, written) if value else finding.help, suggestion=""
    )


def _finding(context: Context, item: Any, path: Path) -> Finding:
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
    return Finding(
        "TF1119", f"{_name(path)}: {message}", marks.value(path), "compare with the example of the reference"
    )


def _name(path: Path) -> str:
    """`owner`, or `an item of steps`."""
    if not path:
        return "this file"
    if isinstance(path[-1], int):
        return f"an item of `{path[-2]}`" if len(path) > 1 else "an item"
    return f"`{path[-1]}`"


def _own(context: Context, item: Any, path: Path) -> Finding:
    """An error made by a field type or validator: it carries its code and place."""
    told = item["ctx"]
    path = (*path, *told.get("path", ()))
    marks = context.document.marks
    mark: Mark
    if told.get("key"):
        mark = marks.key(path)
    elif told.get("length", 0) > 0:
        mark = marks.inside(path, told.get("offset", 0), told["length"])
    elif not path or isinstance(value_at(context.document, path), dict):
        mark = marks.key(path)
    else:
        mark = marks.value(path)
    return Finding(told["code"], told["message"], mark, told.get("help", ""), told.get("suggestion", ""))


def _missing(context: Context, path: Path) -> Finding:
    parent, name = path[:-1], path[-1]
    misspelt = _misspelt(context, parent, str(name))
    if misspelt:
        text = f"`{misspelt}` is not a key of {block_name(context, parent)}"
        mark = context.document.marks.key((*parent, misspelt))
        return Finding("TF1101", text, mark, did_you_mean([str(name)]), str(name))
    model = model_at(context.model, context.relative(parent))
    field = keys_of(model).get(str(name)) if model is not None else None
    about = (field.description or _choices(field.annotation)) if field is not None else ""
    advice = f"add `{name}:`" + (f" ({about.rstrip() if about.endswith('..') else about.rstrip('.')})" if about else "")
    text = f"`{name}` is missing in {block_name(context, parent)}"
    return Finding("TF1102", text, context.document.marks.key(parent), advice)


def _choices(annotation: Any) -> str:
    """The words a field takes, where there are few."""
    words = get_args(annotation) if get_origin(annotation) is Literal else ()
    return f"one of {', '.join(map(str, words))}" if len(words) > 1 else str(words[0]) if words else ""


def _misspelt(context: Context, parent: Path, name: str) -> str:
    """In a block that also holds options of a plugin: the key that was meant to be `name`."""
    given = value_at(context.document, parent)
    model = model_at(context.model, context.relative(parent))
    if not isinstance(given, dict) or model is None or not issubclass(model, OpenSkeleton):
        return ""
    others = [key for key in given if key not in keys_of(model)]
    return next((key for key in others if nearest(key, keys_of(model), count=1) == [name]), "")


def _not_a_choice(context: Context, item: Any, path: Path) -> Finding:
    choices = re.findall(r"'([^']*)'", item["ctx"]["expected"]) or re.split(r", | or ", item["ctx"]["expected"])
    given = item["input"]
    near = nearest(given, choices) if isinstance(given, str) else []
    if not near and len(choices) == 1:
        near = choices
    advice = did_you_mean(near) if near and isinstance(given, str) else f"one of {', '.join(choices)}"
    shown = f"`{given}`" if isinstance(given, str) else named(given)
    mark = context.document.marks.value(path)
    return Finding("TF1104", f"{shown} is not a value of {_name(path)}", mark, advice, near[0] if near else "")


def _wrong_length(context: Context, item: Any, path: Path) -> Finding:
    told = item["ctx"]
    least = told.get("min_length")
    mark = context.document.marks.value(path)
    if least is not None:
        text = f"{_name(path)} is empty" if least == 1 else f"{_name(path)} has fewer than {least} entries"
        return Finding("TF1114", text, mark, "add an entry, or leave the key out")
    most = told["max_length"]
    what = counted(most, "character") if isinstance(item["input"], str) else f"{most} entries"
    return Finding("TF1105", f"{_name(path)} has more than {what}", mark, "shorten it")


def _wrong_type(context: Context, item: Any, path: Path, expected: str) -> Finding:
    given = item["input"]
    marks = context.document.marks
    mark = marks.value(path)
    if expected == "text" and path[-1:] == ("version",) and (isinstance(given, int) or _is_decimal(given)):
        fixed = ".".join([*str(given).split("."), "0", "0"][:3])
        text = f"`version` is three numbers, this is {named(given)}"
        return Finding("TF1103", text, mark, f"write {fixed}", fixed)
    if (expected == "text" and isinstance(given, bool | int)) or _is_decimal(given):
        written = marks.written(path) or str(given)
        return Finding(
            "TF1103", f"{_name(path)} is {expected}, this is {named(given)}", mark, "put it in quotes", quoted(written)
        )
    if expected == "a block of keys" and isinstance(given, str) and (glued := _NO_SPACE.match(given)):
        text = f"`{glued[1]}:` has no space after the colon"
        return Finding(
            "TF1042", text, marks.inside(path, 0, len(glued[0])), "write a space after the colon", f"{glued[1]}: "
        )
    advice = _type_help(expected, given)
    if path == ("from",) and isinstance(given, str) and "@" in given:
        advice = f"write {{event: {given}}}"
    return Finding("TF1103", f"{_name(path)} is {expected}, this is {named(given)}", mark, advice)


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


def validated(document: Document, model: type[Any], base_path: Path = (), **around: Any) -> tuple[Any, list[Finding]]:
    """The value at `base_path` as the model, and findings.

    Unknown keys are left out and the rest is validated again, so that one misspelt key does not hide what else is
    wrong; None when it cannot be one even then.
    """
    data = value_at(document, base_path)
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        findings = findings_of(error, document, base_path, model, **around)
        context = Context(document, base_path, model, data)
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


_ABSENCE: Final = ("TF1102", "TF1108", "TF1114", "TF6001", "TF6003", "TF6005", "TF6009")


def _follows(finding: Finding, first: Sequence[Finding]) -> bool:
    """True for what only seems to be absent: it is there, misspelt, or a word for later stands in its place."""
    if finding.code not in _ABSENCE:
        return False
    words = set(re.findall(r"\w+", finding.message + " " + finding.help))
    return any(f.code == "TF1107" or f.suggestion in words for f in first)


def _without(value: Any, paths: set[Path], here: Path = ()) -> Any:
    if isinstance(value, dict):
        return {k: _without(v, paths, (*here, k)) for k, v in value.items() if (*here, k) not in paths}
    if isinstance(value, list):
        return [_without(item, paths, (*here, index)) for index, item in enumerate(value)]
    return value


__all__ = ["Surroundings", "findings_of", "validated"]

"""Base of the skeletons and the types of their fields.

A skeleton checks a file's form: which keys stand where and what kind of value they hold. Bodies that a plugin describes
(`with`, a step's body, options of a source) stay raw; the compiler binds them to their own Config in a second pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from engine.config.substitution import Joined, ParamRef, SecretRef

Raw: TypeAlias = Any


class Skeleton(BaseModel):
    """Unknown keys are findings, values are not coerced, objects do not change.

    later   words that are not keys yet but will be, each with what it will do
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)
    later: ClassVar[Mapping[str, str]] = {}


class OpenSkeleton(Skeleton):
    """A block that also holds options of a plugin: they are in `options`, raw."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, arbitrary_types_allowed=True)

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


def problem(
    code: str,
    message: str,
    help: str = "",
    suggestion: str = "",
    *,
    path: tuple[str | int, ...] = (),
    key: bool = False,
    offset: int = 0,
    length: int = 0,
) -> PydanticCustomError:
    """A finding made by a validator; `path` leads from the validated value to the place, `key` points at its key."""
    context = {
        "message": message,
        "code": code,
        "help": help,
        "suggestion": suggestion,
        "path": path,
        "key": key,
        "offset": offset,
        "length": length,
    }
    return PydanticCustomError("tillflow", "{message}", context)


def _pattern(regex: str, code: str, what: str, help: str, repair: Callable[[str], str]) -> AfterValidator:
    compiled = re.compile(regex)

    def check(value: str) -> str:
        if compiled.fullmatch(value) is None:
            repaired = repair(value)
            fits = compiled.fullmatch(repaired) is not None
            raise problem(code, f"`{value}` is not {what}", help, repaired if fits else "")
        return value

    return AfterValidator(check)


def _kebab(value: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", value)
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _snake(value: str) -> str:
    return _kebab(value).replace("-", "_")


Name: TypeAlias = Annotated[
    str,
    _pattern(
        r"[a-z][a-z0-9]*(-[a-z0-9]+)*",
        "TF1109",
        "a name",
        "names are lower-case words joined by hyphens, and start with a letter: sales-posting",
        _kebab,
    ),
]
ParamName: TypeAlias = Annotated[
    str,
    _pattern(
        r"[a-z][a-z0-9]*(_[a-z0-9]+)*",
        "TF1109",
        "the name of a parameter",
        "parameters are lower-case words joined by underscores: erp_rate",
        _snake,
    ),
]
Version: TypeAlias = Annotated[
    str,
    _pattern(
        r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)",
        "TF1115",
        "a version",
        "write three numbers: 1.0.0; raise the first when subscribers or overlays have to change",
        lambda value: ".".join([*re.findall(r"\d+", value), "0", "0"][:3]),
    ),
]
TypeName: TypeAlias = Annotated[
    str,
    _pattern(
        r"[a-z][a-z0-9]*([-._][a-z0-9]+)*@[1-9]\d*",
        "TF1116",
        "an event type",
        "write the name and the version of its schema: sale.completed@2",
        lambda value: f"{value}@1" if "@" not in value else value,
    ),
]
BaseRef: TypeAlias = Annotated[
    str,
    _pattern(
        r"[a-z][a-z0-9]*(-[a-z0-9]+)*@\^\d+(\.\d+)*",
        "TF6006",
        "a route with the versions it fits",
        "write the route's name and its major version: sales-posting@^2",
        lambda value: value if "@" in value else f"{value}@^1",
    ),
]
Filled: TypeAlias = Annotated[str, AfterValidator(lambda value: _not_empty(value))]
"""Text that is there. For what stands in events too, where `NO` is Norway."""
Word: TypeAlias = Annotated[str, AfterValidator(lambda value: _worded(value))]


def _not_empty(value: str) -> str:
    if not value.strip():
        raise problem("TF1114", "this text is empty", "write something, or leave the key out")
    return value


def _worded(value: str) -> str:
    if _not_empty(value).lower() in ("yes", "no", "on", "off"):
        raise problem("TF1103", f"`{value}` looks like a yes/no answer, a text is needed", "write words that say more")
    return value


def _is_reference(value: Any) -> bool:
    return isinstance(value, SecretRef | ParamRef | Joined)


def _measure(regex: str, code: str, what: str, help: str) -> BeforeValidator:
    """Text of a certain form, or a reference that becomes one: checked again when it is filled in."""
    compiled = re.compile(regex)

    def check(value: Any) -> Any:
        if _is_reference(value):
            return value
        if not isinstance(value, str) or compiled.fullmatch(value) is None:
            shown = value if isinstance(value, str | int) else type(value).__name__
            raise problem(code, f"`{shown}` is not {what}", help)
        return value

    return BeforeValidator(check)


DurationText: TypeAlias = Annotated[
    Any, _measure(r"\d+(ms|s|m|h|d)", "TF1124", "a duration", "write a number and ms, s, m, h or d: 500ms, 30s, 24h")
]
RateText: TypeAlias = Annotated[
    Any, _measure(r"[1-9]\d*/\d*(ms|s|m|h|d)", "TF1125", "a rate", "write a count per time: 50/s, 600/m")
]


def _expression_text(value: Any) -> Any:
    if _is_reference(value) or (isinstance(value, str) and value.strip()):
        return value
    raise problem("TF1120", f"an expression is text, this is {named(value)}", "put an expression in quotes")


ExpressionText: TypeAlias = Annotated[Any, BeforeValidator(_expression_text)]


def _date(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise problem("TF1117", f"`{value}` is not a date", "write year-month-day: 2027-01-01") from None
    return value


Date: TypeAlias = Annotated[str, AfterValidator(_date)]


def named(value: Any) -> str:
    """What kind of value this is, in the words of findings."""
    if isinstance(value, bool):
        return "yes/no"
    if isinstance(value, str):
        return "text" if value else "empty text"
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a block of keys"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, ParamRef):
        return f"the parameter `{value.name}`"
    if isinstance(value, SecretRef | Joined):
        return "a reference"
    return f"the number {value}"


def keys_named(pattern: str, what: str) -> AfterValidator:
    """Every key of a block is a well-formed name; the first that is not is told at its place."""
    compiled = re.compile(pattern)

    def check(value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if compiled.fullmatch(name) is None:
                repaired = _snake(name) if "_" in pattern else _kebab(name)
                fits = compiled.fullmatch(repaired) is not None
                message = f"`{name}` is not the name of {what}"
                advice = "names are lower-case words joined by " + ("underscores" if "_" in pattern else "hyphens")
                raise problem("TF1109", message, advice, repaired if fits else "", path=(name,), key=True)
        return value

    return AfterValidator(check)


KEBAB = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
SNAKE = r"[a-z][a-z0-9]*(_[a-z0-9]+)*"

"""Field types of plugin Configs. What a field is typed as decides how its text is read, checked and completed.

Expressions and templates are compiled while the Config is validated: the validation context must be a Build, and an
error carries a finding code and the place inside the text (see `located`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from engine.expr.errors import ExpressionError
from engine.expr.jmes import Expr
from engine.expr.template import Template as CompiledTemplate
from engine.plugins.valueforms import VALUE_KEYS as VALUE_KEYS
from engine.plugins.valueforms import ValueExpr as ValueExpr
from engine.plugins.valueforms import check_value_keys as check_value_keys
from engine.plugins.valueforms import is_slip as is_slip
from engine.plugins.valueforms import named, part, read_expression, read_template, text_of
from engine.plugins.valueforms import read_value as read_value
from engine.ports.secrets import Secret


class Options(BaseModel):
    """Base of every Config: unknown keys are findings, values are not coerced, objects do not change."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)


def located(error: ExpressionError) -> PydanticCustomError:
    """An ExpressionError as a pydantic error that `config` turns into a Finding at the right column."""
    context = {
        "code": error.code,
        "offset": error.offset,
        "length": error.length,
        "help": error.help,
        "suggestion": error.suggestion,
        "path": error.path,
        "key": error.key,
    }
    return PydanticCustomError("tillflow", "{message}", {"message": error.message, **context})


def problem(code: str, message: str, help: str = "", suggestion: str = "") -> PydanticCustomError:
    """A finding of a field's own validator."""
    return located(ExpressionError(code, message, help=help, suggestion=suggestion, length=0))


class Typed:
    """Validator and JSON Schema of one field type. `kind` is what editors, the reference and the compiler go by."""

    def __init__(self, read: Callable[[Any, Any], Any], kind: str, schema: dict[str, Any]) -> None:
        self.read = read
        self.kind = kind
        self.schema = schema

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        def validate(value: Any, info: ValidationInfo) -> Any:
            try:
                return self.read(value, info.context)
            except ExpressionError as error:
                raise located(error) from None

        return core_schema.with_info_plain_validator_function(validate)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**self.schema, "x-tillflow-kind": self.kind}


def _count(value: Any, build: Any) -> ValueExpr:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return ValueExpr(const=value)
    return ValueExpr(expr=read_expression(value, build))


def _raw_values(value: Any, build: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise ExpressionError("TF1132", f"values stand under their names, this is {named(value)}", length=0)


class KeyExpr(NamedTuple):
    """Parts of a key; a null part at run time is the work item `key-incomplete`."""

    parts: tuple[Expr, ...]


def _key(value: Any, build: Any) -> KeyExpr:
    parts = value if isinstance(value, list) else [value]
    if not parts:
        raise ExpressionError("TF1123", "a key has at least one part", length=0)
    if not isinstance(value, list):
        return KeyExpr((read_expression(value, build),))
    return KeyExpr(tuple(part(read_expression, text, build, index) for index, text in enumerate(parts)))


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(text: str) -> float:
    """`500ms`, `2s`, `5m`, `1h`, `45d` as seconds. Raises ValueError."""
    match = re.fullmatch(r"(\d+)(ms|s|m|h|d)", text)
    if match is None:
        raise ValueError(text)
    return int(match[1]) * _UNITS[match[2]]


def _duration(value: Any, build: Any) -> float:
    if isinstance(value, int) and not isinstance(value, bool):
        advice = f"write a unit: {value}s, {value}m or {value}h"
        raise ExpressionError("TF1124", f"`{value}` is not a duration: it has no unit", help=advice, length=0)
    try:
        return seconds(text_of(value, "a duration"))
    except ValueError:
        raise ExpressionError(
            "TF1124", f"`{value}` is not a duration", help="write a number and ms, s, m, h or d: 500ms, 30s, 24h"
        ) from None


@dataclass(frozen=True, slots=True)
class RateValue:
    """`count` per `seconds`."""

    count: int
    seconds: float


def _rate(value: Any, build: Any) -> RateValue:
    match = re.fullmatch(r"(\d+)/(\d*)(ms|s|m|h|d)", str(value))
    if match is None or int(match[1]) == 0:
        raise ExpressionError("TF1125", f"`{value}` is not a rate", help="write a count per time: 50/s, 600/m")
    return RateValue(int(match[1]), int(match[2] or 1) * _UNITS[match[3]])


def _size(value: Any, build: Any) -> int:
    match = re.fullmatch(r"(\d+)(B|KiB|MiB|GiB)", str(value))
    if match is None:
        raise ExpressionError(
            "TF1126", f"`{value}` is not a size", help="write a number and B, KiB, MiB or GiB: 256KiB"
        )
    return int(match[1]) << {"B": 0, "KiB": 10, "MiB": 20, "GiB": 30}[match[2]]


_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _path(value: Any, build: Any) -> tuple[str, ...]:
    parts = tuple(text_of(value, "a path").split("."))
    for name in parts:
        if not _WORD.fullmatch(name):
            raise ExpressionError("TF1127", f"`{value}` is not a path", help="write names joined by dots: line.product")
    return parts


class RawSteps(NamedTuple):
    """Nested steps as they stand in the file; the compiler builds them through `Build.steps`."""

    items: list[Any]


_DEEP = re.compile(r"([@#]?[A-Za-z_][A-Za-z0-9_-]*|#)((?:\[\])*)")


def _deep_path(value: Any, build: Any) -> tuple[str, ...]:
    parts: list[str] = []
    for piece in text_of(value, "a path").split("."):
        match = _DEEP.fullmatch(piece)
        if match is None:
            raise ExpressionError(
                "TF1127", f"`{value}` is not a path", help="write names joined by dots, [] for every item: lines[].sku"
            )
        parts += [match[1], *["[]"] * (len(match[2]) // 2)]
    return tuple(parts)


_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def _reason(value: Any, build: Any) -> str:
    if isinstance(value, str) and _SLUG.fullmatch(value):
        return value
    words = re.findall(r"[a-z0-9]+", str(value).lower())
    raise ExpressionError(
        "TF1130",
        f"`{value}` is not a reason",
        help="write lower case words joined by dashes: training-mode",
        suggestion="-".join(words),
        length=0,
    )


def _name(value: Any, build: Any) -> str:
    if isinstance(value, str) and _WORD.fullmatch(value):
        return value
    raise ExpressionError("TF1131", f"`{value}` is not a name for an item", help="write one word: line", length=0)


def _steps(value: Any, build: Any) -> RawSteps:
    if not isinstance(value, list) or not value:
        raise ExpressionError(
            "TF1128",
            "steps are a list with at least one step",
            help="write one step at least, each with an `id`, or leave the block around them out",
            length=0,
        )
    return RawSteps(value)


def _secret(value: Any, build: Any) -> Secret:
    if isinstance(value, Secret):
        return value
    raise ExpressionError(
        "TF1129",
        "a secret does not stand in a file",
        help="name it: ${secret.<name>}, and set it where the engine runs",
        length=0,
    )


class Reference(str):
    """A name that must exist elsewhere in the project; `what` says which kind."""

    what = ""


class MappingName(Reference):
    """A mapping in mappings/."""

    what = "mapping"


class SchemaName(Reference):
    """A schema `name@n` in mappings/schemas/."""

    what = "schema"


class TableName(Reference):
    """A table of routes/tables.yaml."""

    what = "table"


class ConnectionName(Reference):
    """A connection of routes/connections.yaml."""

    what = "connection"


class TemplateName(Reference):
    """A template file in mappings/templates/."""

    what = "template file"


class SubflowName(Reference):
    """Shared steps in routes/, declared with `subflow:`."""

    what = "subflow"


def _reference(kind: type[Reference]) -> Callable[[Any, Any], Reference]:
    return lambda value, build: kind(text_of(value, f"the name of a {kind.what}"))


def _named_schema(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


_VALUE_SCHEMA = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "minProperties": 1,
            "properties": {
                "expr": {"type": "string"},
                "template": {"type": "string"},
                "const": {},
                "optional": {"type": "boolean"},
                "default": {},
                "values": {"type": "object"},
            },
        },
    ]
}

Expression: TypeAlias = Annotated[Expr, Typed(read_expression, "expression", {"type": "string"})]
Condition: TypeAlias = Annotated[Expr, Typed(read_expression, "condition", {"type": "string"})]
Template: TypeAlias = Annotated[CompiledTemplate, Typed(read_template, "template", {"type": "string"})]
Value: TypeAlias = Annotated[ValueExpr, Typed(read_value, "value", _VALUE_SCHEMA)]
Count: TypeAlias = Annotated[
    ValueExpr, Typed(_count, "count", {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]})
]
RawValues: TypeAlias = Annotated[dict[str, Any], Typed(_raw_values, "values", {"type": "object"})]
Key: TypeAlias = Annotated[
    KeyExpr, Typed(_key, "key", {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
]
Duration: TypeAlias = Annotated[
    float, Typed(_duration, "duration", {"type": "string", "pattern": r"^\d+(ms|s|m|h|d)$"})
]
Rate: TypeAlias = Annotated[RateValue, Typed(_rate, "rate", {"type": "string", "pattern": r"^\d+/\d*(ms|s|m|h|d)$"})]
Size: TypeAlias = Annotated[int, Typed(_size, "size", {"type": "string", "pattern": r"^\d+(B|KiB|MiB|GiB)$"})]
Path: TypeAlias = Annotated[tuple[str, ...], Typed(_path, "path", {"type": "string"})]
DeepPath: TypeAlias = Annotated[tuple[str, ...], Typed(_deep_path, "deep path", {"type": "string"})]
Reason: TypeAlias = Annotated[
    str, Typed(_reason, "reason", {"type": "string", "pattern": r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"})
]
LocalName: TypeAlias = Annotated[str, Typed(_name, "local name", {"type": "string"})]
Steps: TypeAlias = Annotated[RawSteps, Typed(_steps, "steps", {"type": "array"})]
SecretText: TypeAlias = Annotated[
    Secret, Typed(_secret, "secret", {"type": "string", "pattern": r"^\$\{secret\.[^}]+\}$"})
]
MappingRef: TypeAlias = Annotated[MappingName, Typed(_reference(MappingName), "mapping", _named_schema("a mapping"))]
SchemaRef: TypeAlias = Annotated[SchemaName, Typed(_reference(SchemaName), "schema", _named_schema("a schema"))]
TableRef: TypeAlias = Annotated[TableName, Typed(_reference(TableName), "table", _named_schema("a table"))]
ConnectionRef: TypeAlias = Annotated[
    ConnectionName, Typed(_reference(ConnectionName), "connection", _named_schema("a connection"))
]
TemplateRef: TypeAlias = Annotated[
    TemplateName, Typed(_reference(TemplateName), "template file", _named_schema("a template file"))
]
SubflowRef: TypeAlias = Annotated[SubflowName, Typed(_reference(SubflowName), "subflow", _named_schema("shared steps"))]

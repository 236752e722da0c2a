"""How a plugin's Config is read: the base of all of them, and what makes a type of a reader and a JSON Schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from engine.expr.errors import ExpressionError

_MEASURES = ("duration", "size")  # kinds that are read into a plain number


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


def problem(
    code: str, message: str, help: str = "", suggestion: str = "", path: tuple[str | int, ...] = ()
) -> PydanticCustomError:
    """A finding of a field's own validator; `path` leads from the field's value to what is wrong inside it."""
    return located(ExpressionError(code, message, help=help, suggestion=suggestion, length=0, path=path))


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

        own = core_schema.with_info_plain_validator_function(validate)
        # What `Field(gt=0)` says of a measure is in the schema of the plain type; without it the bound would be lost.
        return core_schema.chain_schema([own, handler(source)]) if self.kind in _MEASURES else own

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**self.schema, "x-tillflow-kind": self.kind}

"""Types a function of the expression language is annotated with.

Each is an ordinary Python type with a note beside it, so a function checks under mypy and its signature tells the
engine what may be passed, what to check while compiling, and what to print in the reference.

    @function("store_label")
    def store_label(store: Object, width: Number = 20) -> Text: ...

A first parameter named `env` receives the Env and does not count as an argument. `X | None` also takes null. A default
makes an argument optional, `*rest` takes any number. `typing.Literal["a", "b"]` is a text out of a fixed set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from engine.expr.patterns import Pattern, compile_pattern
from engine.expr.values import DateText, MomentText


@dataclass(frozen=True)
class Kind:
    """What a value must be.

    kinds      text, number, yes/no, list, object, date, moment; empty = anything
    element    kinds of a list's elements; empty = anything
    names      the text names something: table, param, secret, meta, field (of the elements of the list before it)
    literal    must stand in the expression as it is, so that it can be checked before anything runs
    prepare    makes the value a function gets out of the literal; ValueError says what is wrong with it
    lazy       a callable without arguments that evaluates when called
    per_item   `&expression`: a callable that takes an item
    """

    kinds: tuple[str, ...] = ()
    element: tuple[str, ...] = ()
    names: str = ""
    literal: bool = False
    prepare: Callable[[Any], Any] | None = None
    lazy: bool = False
    per_item: bool = False


Text: TypeAlias = Annotated[str, Kind(("text",))]
Number: TypeAlias = Annotated[int | Decimal, Kind(("number",))]
YesNo: TypeAlias = Annotated[bool, Kind(("yes/no",))]
List: TypeAlias = Annotated[list[Any], Kind(("list",))]
Numbers: TypeAlias = Annotated[list[int | Decimal], Kind(("list",), ("number",))]
Texts: TypeAlias = Annotated[list[str], Kind(("list",), ("text",))]
YesNos: TypeAlias = Annotated[list[bool], Kind(("list",), ("yes/no",))]
Objects: TypeAlias = Annotated[list[dict[str, Any]], Kind(("list",), ("object",))]
Object: TypeAlias = Annotated[dict[str, Any], Kind(("object",))]
Anything: TypeAlias = Annotated[Any, Kind()]
Date: TypeAlias = Annotated[DateText, Kind(("date",))]
Moment: TypeAlias = Annotated[MomentText, Kind(("moment",))]

Lazy: TypeAlias = Annotated[Callable[[], Any], Kind(lazy=True)]
ExpressionArg: TypeAlias = Annotated[Callable[[Any], Any], Kind(per_item=True)]
Regex: TypeAlias = Annotated[Pattern, Kind(("text",), literal=True, prepare=compile_pattern)]

TableName: TypeAlias = Annotated[str, Kind(("text",), names="table")]
ParamName: TypeAlias = Annotated[str, Kind(("text",), names="param")]
SecretName: TypeAlias = Annotated[str, Kind(("text",), names="secret")]
MetaName: TypeAlias = Annotated[str, Kind(("text",), names="meta")]
FieldName: TypeAlias = Annotated[str, Kind(("text",), names="field")]

__all__ = [
    "Anything",
    "Date",
    "ExpressionArg",
    "FieldName",
    "Kind",
    "Lazy",
    "List",
    "MetaName",
    "Moment",
    "Number",
    "Numbers",
    "Object",
    "Objects",
    "ParamName",
    "Pattern",
    "Regex",
    "SecretName",
    "TableName",
    "Text",
    "Texts",
    "YesNo",
    "YesNos",
]

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
"""A str."""
Number: TypeAlias = Annotated[int | Decimal, Kind(("number",))]
"""An int or a Decimal, never a float."""
YesNo: TypeAlias = Annotated[bool, Kind(("yes/no",))]
"""A bool."""
List: TypeAlias = Annotated[list[Any], Kind(("list",))]
"""A list of anything."""
Numbers: TypeAlias = Annotated[list[int | Decimal], Kind(("list",), ("number",))]
"""A list of int and Decimal."""
Texts: TypeAlias = Annotated[list[str], Kind(("list",), ("text",))]
"""A list of str."""
YesNos: TypeAlias = Annotated[list[bool], Kind(("list",), ("yes/no",))]
"""A list of bool."""
Objects: TypeAlias = Annotated[list[dict[str, Any]], Kind(("list",), ("object",))]
"""A list of dicts."""
Object: TypeAlias = Annotated[dict[str, Any], Kind(("object",))]
"""A dict."""
Anything: TypeAlias = Annotated[Any, Kind()]
"""Any JSON value that is not null; with `| None` null too."""
Date: TypeAlias = Annotated[DateText, Kind(("date",))]
"""Text that is a date, `2026-01-31`."""
Moment: TypeAlias = Annotated[MomentText, Kind(("moment",))]
"""Text that is a moment with its zone, `2026-01-31T09:20:00Z`."""

Lazy: TypeAlias = Annotated[Callable[[], Any], Kind(lazy=True)]
"""A callable that evaluates the argument when it is called: for one that may not be needed."""
ExpressionArg: TypeAlias = Annotated[Callable[[Any], Any], Kind(per_item=True)]
"""`&expression`: a callable that takes an item and gives its value."""
Regex: TypeAlias = Annotated[Pattern, Kind(("text",), literal=True, prepare=compile_pattern)]
"""A pattern that stands in the expression as it is; runs in linear time."""

TableName: TypeAlias = Annotated[str, Kind(("text",), names="table")]
"""Name of a reference table, checked when the route is compiled."""
ParamName: TypeAlias = Annotated[str, Kind(("text",), names="param")]
"""Name of a parameter of the route."""
SecretName: TypeAlias = Annotated[str, Kind(("text",), names="secret")]
"""Name of a secret."""
MetaName: TypeAlias = Annotated[str, Kind(("text",), names="meta")]
"""Name of a fact of the event."""
FieldName: TypeAlias = Annotated[str, Kind(("text",), names="field")]
"""Name of a field of the elements of the list before it."""

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

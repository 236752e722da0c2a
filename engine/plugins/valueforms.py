"""How one value is made: the forms it may be written in, read into a ValueExpr."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from engine.expr.errors import ExpressionError
from engine.expr.jmes import Expr
from engine.expr.template import Template

T = TypeVar("T")


def text_of(value: Any, what: str) -> str:
    """The value, which has to be text. Raises ExpressionError TF1120."""
    if isinstance(value, str) and value.strip():
        return value
    raise ExpressionError("TF1120", f"{what} is text, this is {named(value)}", length=0)


def named(value: Any) -> str:
    """What kind of value this is, in the words of findings."""
    names = {dict: "a block of keys", list: "a list", bool: "yes/no", type(None): "nothing", str: "empty text"}
    return names.get(type(value), f"the number {value}")


def read_expression(value: Any, build: Any) -> Expr:
    """Text compiled as an expression. Raises ExpressionError."""
    return build.expression(text_of(value, "an expression"))  # type: ignore[no-any-return]


def read_template(value: Any, build: Any) -> Template:
    """Text compiled as a template. Raises ExpressionError."""
    return build.template(text_of(value, "a template"))  # type: ignore[no-any-return]


class ValueExpr(NamedTuple):
    """How one value is made: from an expression, a template, a constant, or as an object of further values.

    null is an error unless `optional` (the field is left out) or a `default` is given.
    """

    expr: Expr | None = None
    template: Template | None = None
    const: Any = None
    optional: bool = False
    default: Any = None
    has_default: bool = False
    values: dict[str, Any] | None = None
    fields: dict[str, ValueExpr] | None = None


VALUE_KEYS = ("expr", "template", "const", "optional", "default", "values")


def read_value(value: Any, build: Any) -> ValueExpr:
    """`text` is an expression; `{expr: .., optional, default, values}`, `{template: ..}`, `{const: ..}` are explicit.

    A block without any of these words is an object of values.
    """
    if isinstance(value, str):
        return ValueExpr(expr=read_expression(value, build))
    if not isinstance(value, dict):
        raise ExpressionError(
            "TF1121",
            f"a value is an expression, not {named(value)}",
            help=f"write {{const: {_written(value)}}}",
            length=0,
        )
    if is_object(value):
        return ValueExpr(fields={name: _named_value(name, item, build) for name, item in value.items()})
    check_value_keys(value)
    return ValueExpr(
        expr=part(read_expression, value["expr"], build, "expr") if "expr" in value else None,
        template=part(read_template, value["template"], build, "template") if "template" in value else None,
        const=value.get("const"),
        optional=value.get("optional") is True,
        default=value.get("default"),
        has_default="default" in value,
        values=value.get("values"),
    )


def _written(value: Any) -> str:
    """As it stands in a file: null and false, not the words of Python."""
    return json.dumps(value, default=str) if isinstance(value, bool | list) or value is None else str(value)


def _named_value(name: str, value: Any, build: Any) -> ValueExpr:
    """A value of an object. One that cannot be read under a name that is almost a word was meant to be that word."""
    try:
        return read_value(value, build)
    except ExpressionError as error:
        check_value_keys({name: value} if difflib.get_close_matches(name, VALUE_KEYS, 1) else {"const": value})
        raise error.below(name) from None


def is_object(value: dict[str, Any]) -> bool:
    """True for a block of named values; False for one that says how a value is made, or tries to."""
    if not value or any(key in value for key in VALUE_KEYS):
        return False
    if any(is_slip(key) for key in value):
        return False
    return all(
        isinstance(item, str | dict) or not difflib.get_close_matches(key, VALUE_KEYS, 1) for key, item in value.items()
    )


def is_slip(key: str) -> bool:
    """True for `cosnt` and `exprr`: the letters of a word swapped or doubled, which no name of a field is by chance."""
    swapped = {"".join(sorted(word)) for word in VALUE_KEYS}
    doubled = re.sub(r"(.)\1", r"\1", key)
    return key not in VALUE_KEYS and ("".join(sorted(key)) in swapped or doubled in VALUE_KEYS)


def check_value_keys(value: dict[str, Any]) -> None:
    """The form of an explicit value. Raises ExpressionError at the key that is wrong."""
    for key in value:
        if key not in VALUE_KEYS:
            near = difflib.get_close_matches(str(key), VALUE_KEYS, 1)
            keys = "keys: " + ", ".join(VALUE_KEYS)
            advice = f"did you mean `{near[0]}`?" if near else keys
            raise ExpressionError(
                "TF1122",
                f"`{key}` is not a key of a value",
                help=advice,
                suggestion="".join(near),
                path=(key,),
                key=True,
            )
    if sum(key in value for key in ("expr", "template", "const")) != 1:
        raise ExpressionError("TF1122", "a value has exactly one of expr, template, const", length=0)
    if not isinstance(value.get("optional", False), bool):
        raise ExpressionError("TF1122", "`optional` is true or false", path=("optional",), length=0)
    if "values" in value and not (isinstance(value["values"], dict) and value["values"] and "expr" in value):
        raise ExpressionError(
            "TF1122", "`values` is a block of `found: wanted` beside `expr`", path=("values",), length=0
        )


def part(read: Callable[[Any, Any], T], value: Any, build: Any, *path: str | int) -> T:
    """Read a part of a value; an error in it says where in the whole it is."""
    try:
        return read(value, build)
    except ExpressionError as error:
        raise error.below(*path) from None

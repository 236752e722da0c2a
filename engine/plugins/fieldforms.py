"""What stands in the other fields of a Config, read: keys, paths, nested steps, names, reasons and secrets."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from engine.expr.errors import ExpressionError
from engine.expr.jmes import Expr
from engine.plugins.valueforms import ValueExpr, named, part, read_expression, text_of
from engine.ports.secrets import Secret


def read_count(value: Any, build: Any) -> ValueExpr:
    """A number above zero, or the expression that gives it. Raises ExpressionError."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return ValueExpr(const=value)
    return ValueExpr(expr=read_expression(value, build))


def read_raw_values(value: Any, build: Any) -> dict[str, Any]:
    """The values as they stand. Raises ExpressionError."""
    if isinstance(value, dict):
        return value
    raise ExpressionError("TF1132", f"values stand under their names, this is {named(value)}", length=0)


class KeyExpr(NamedTuple):
    """Parts of a key; a null part at run time is the work item `key-incomplete`."""

    parts: tuple[Expr, ...]


def read_key(value: Any, build: Any) -> KeyExpr:
    """The parts of a key, each compiled. Raises ExpressionError."""
    parts = value if isinstance(value, list) else [value]
    if not parts:
        raise ExpressionError("TF1123", "a key has at least one part", length=0)
    if not isinstance(value, list):
        return KeyExpr((read_expression(value, build),))
    return KeyExpr(tuple(part(read_expression, text, build, index) for index, text in enumerate(parts)))


_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_path(value: Any, build: Any) -> tuple[str, ...]:
    """The names of a Path. Raises ExpressionError."""
    parts = tuple(text_of(value, "a path").split("."))
    for name in parts:
        if not _WORD.fullmatch(name):
            raise ExpressionError("TF1127", f"`{value}` is not a path", help="write names joined by dots: line.product")
    return parts


class RawSteps(NamedTuple):
    """Nested steps as they stand in the file; the compiler builds them through `Build.steps`."""

    items: list[Any]


_DEEP = re.compile(r"([@#]?[A-Za-z_][A-Za-z0-9_-]*|#)((?:\[\])*)")


def read_deep_path(value: Any, build: Any) -> tuple[str, ...]:
    """Names and `[]` of a DeepPath. Raises ExpressionError."""
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


def read_reason(value: Any, build: Any) -> str:
    """Lower case words joined by dashes. Raises ExpressionError."""
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


def read_name(value: Any, build: Any) -> str:
    """One word. Raises ExpressionError."""
    if isinstance(value, str) and _WORD.fullmatch(value):
        return value
    raise ExpressionError("TF1131", f"`{value}` is not a name for an item", help="write one word: line", length=0)


def read_steps(value: Any, build: Any) -> RawSteps:
    """At least one nested step, as it stands. Raises ExpressionError."""
    if not isinstance(value, list) or not value:
        raise ExpressionError(
            "TF1128",
            "steps are a list with at least one step",
            help="write one step at least, each with an `id`, or leave the block around them out",
            length=0,
        )
    return RawSteps(value)


def read_secret(value: Any, build: Any) -> Secret:
    """A Secret that the loader put there. Raises ExpressionError."""
    if isinstance(value, Secret):
        return value
    raise ExpressionError(
        "TF1129",
        "a secret does not stand in a file",
        help="name it: ${secret.<name>}, and set it where the engine runs",
        length=0,
    )

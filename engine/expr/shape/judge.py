"""The strictness of places: conditions, comparisons, keys and values, judged by what is known."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.expr.errors import ExpressionError, Where
from engine.expr.nearest import nearest
from engine.expr.nodes import Compare, Literal, Node
from engine.expr.shape.model import Shape
from engine.expr.values import a

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_ORDERED = frozenset({"number", "date", "moment"})
_FLAGS = frozenset({"true", "false", "yes", "no", "y", "n", "0", "1"})
WAYS = "write present(..), == or is_true(..)"


def source(text: str, node: Node) -> str:
    """The node as it is written."""
    return text[node.start : node.end]


def place(node: Node) -> Where:
    """Where an error about a node points."""
    return Where(offset=node.start, length=max(1, node.end - node.start))


def named(kinds: frozenset[str]) -> str:
    """Kinds for people."""
    return " or ".join(a(kind) for kind in sorted(kinds))


def condition(text: str, node: Node, shape: Shape, *, missing_is_no: bool = False) -> Iterator[ExpressionError]:
    """What is wrong with a condition. `missing_is_no`: something else decides when it is missing."""
    written = source(text, node)
    if isinstance(node, Literal):
        if not isinstance(node.value, bool):
            yield _literal_condition(node)
    elif shape.known and shape.kinds != {"yes/no"}:
        yield ExpressionError(
            "TF2030",
            f"`{written}` is {named(shape.kinds)}, not a yes/no answer",
            **place(node),
            help=WAYS,
            suggestion=_asked(written, shape),
        )
    elif shape.known and (shape.maybe or shape.defaulted) and not missing_is_no:
        yield ExpressionError(
            "TF2032",
            f"`{written}` may be missing, and missing is not a yes/no answer",
            **place(node),
            help=f"write is_true({written}), which takes a missing flag as no",
            suggestion=f"is_true({written})",
        )


def _asked(written: str, shape: Shape) -> str:
    """The question that was probably meant."""
    if shape.kinds == {"number"}:
        return f"{written} > `0`"
    flag = "yes/no" in shape.kinds or (shape.choices and {str(c).lower() for c in shape.choices} <= _FLAGS)
    return f"is_true({written})" if flag else f"present({written})"


def _literal_condition(node: Literal) -> ExpressionError:
    word = str(node.value).strip().lower()
    meant = {"true": "`true`", "yes": "`true`", "1": "`true`", "false": "`false`", "no": "`false`", "0": "`false`"}.get(
        word, ""
    )
    return ExpressionError(
        "TF2031",
        "this literal is a fixed value, not a yes/no answer",
        **place(node),
        help=f"write {meant} in backticks, or name a flag: {WAYS}" if meant else WAYS,
        suggestion=meant,
    )


def comparison(text: str, node: Compare, left: Shape, right: Shape) -> Iterator[ExpressionError]:
    """What is wrong with a comparison."""
    if _is_null(node.left) or _is_null(node.right):
        if node.op not in ("==", "!="):
            yield ExpressionError(
                "TF2033", "nothing is smaller or larger than null", **place(node), help="write present(..)"
            )
        return
    if left.known and right.known and left.kinds.isdisjoint(right.kinds):
        yield _different(text, node, left, right)
    elif node.op not in ("==", "!="):
        yield from _order(text, node, left, right)
    else:
        yield from _never(node, left, right)


def _is_null(node: Node) -> bool:
    return isinstance(node, Literal) and node.value is None


def _different(text: str, node: Compare, left: Shape, right: Shape) -> ExpressionError:
    target, suggestion = _converted(text, node, left, right)
    return ExpressionError(
        "TF2033",
        f"{node.op} compares {named(left.kinds)} with {named(right.kinds)}",
        **place(target),
        help=f"write {suggestion}" if suggestion else "compare values of one kind",
        suggestion=suggestion,
    )


def _converted(text: str, node: Compare, left: Shape, right: Shape) -> tuple[Node, str]:
    """Which side to rewrite, and how."""
    for side, own, other in ((node.right, right, left), (node.left, left, right)):
        if own.kinds != {"text"}:
            continue
        written = source(text, side)
        if isinstance(side, Literal):
            said = str(side.value).strip().lower()
            if "yes/no" in other.kinds and said in ("true", "false"):
                return side, f"`{said}`"
            if "number" in other.kinds and _NUMBER.fullmatch(said):
                return side, f"`{said}`"
        if "yes/no" in other.kinds:
            return side, f"is_true({written})"
        if other.kinds & {"date"}:
            return side, f"date({written})"
        if other.kinds & {"moment"}:
            return side, f"date_time({written})"
        if "number" in other.kinds:
            return side, f"number({written})"
    return node, ""


def _order(text: str, node: Compare, left: Shape, right: Shape) -> Iterator[ExpressionError]:
    kinds = left.kinds | right.kinds
    if left.kinds == {"text"} or right.kinds == {"text"}:
        cure = _order_cure(node, left, right)
        sides = [source(text, side) for side in (node.left, node.right)]
        suggestion = f"{cure}({sides[0]}) {node.op} {cure}({sides[1]})"
        yield ExpressionError(
            "TF2034",
            f"{node.op} compares text by its letters: '9' comes after '10'",
            **place(node),
            help=f"use date() or number(): {suggestion}",
            suggestion=suggestion,
        )
    elif kinds and left.known and right.known and not kinds & _ORDERED:
        yield ExpressionError("TF2033", f"{named(kinds)} has no order", **place(node), help="compare numbers or dates")
    else:
        for side, shape in ((node.left, left), (node.right, right)):
            if shape.maybe:
                yield _missing_side(text, side, shape)


def _order_cure(node: Compare, left: Shape, right: Shape) -> str:
    literals = [str(side.value) for side in (node.left, node.right) if isinstance(side, Literal)]
    looks = {left.looks, right.looks}
    if "date-time" in looks:
        return "date_time"
    return "date" if "date" in looks or any(_DATE.fullmatch(word) for word in literals) else "number"


def _missing_side(text: str, side: Node, shape: Shape) -> ExpressionError:
    written = source(text, side)
    suggestion = f"coalesce({written}, `0`)" if shape.kinds == {"number"} else ""
    return ExpressionError(
        "TF2044",
        f"`{written}` may be missing, and nothing is smaller or larger than what is missing",
        **place(side),
        help="ask present(..) first with &&, or give a value with coalesce(.., ..)",
        suggestion=suggestion,
    )


def _never(node: Compare, left: Shape, right: Shape) -> Iterator[ExpressionError]:
    """A literal that is not among the values the schema allows."""
    for side, other in ((node.right, left), (node.left, right)):
        if (
            isinstance(side, Literal)
            and isinstance(side.value, str)
            and other.choices
            and side.value not in other.choices
        ):
            close = nearest(side.value, [choice for choice in other.choices if isinstance(choice, str)])
            yield ExpressionError(
                "TF2035",
                f"'{side.value}' is not one of the values this can have",
                **place(side),
                help="it can be: " + ", ".join(map(str, other.choices)),
                suggestion=f"'{close}'" if close else "",
            )


def key_part(text: str, node: Node, shape: Shape) -> Iterator[ExpressionError]:
    """What is wrong with a part of a key."""
    written = source(text, node)
    if shape.known and shape.kinds <= {"list", "object"}:
        yield ExpressionError(
            "TF2043",
            f"`{written}` is {named(shape.kinds)}; a part of a key is text, a number or yes/no",
            **place(node),
            help="name a field inside it",
        )
    elif shape.maybe:
        yield ExpressionError(
            "TF2041",
            f"`{written}` may be missing; an event whose key has a missing part waits as work item key-incomplete",
            **place(node),
            help="make it `required` in the schema, or use a path that is always there",
        )


def value(text: str, node: Node, shape: Shape) -> Iterator[ExpressionError]:
    """What is wrong with a value that must be there."""
    if shape.maybe:
        yield ExpressionError(
            "TF2042",
            f"`{source(text, node)}` may be missing; a value that is missing is an error",
            **place(node),
            help="write {expr: .., optional: true} to leave the field out, or {expr: .., default: ..}",
        )

"""A name that does not exist: what was probably meant."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.distance import distance
from engine.expr.errors import ExpressionError
from engine.expr.nearest import nearest
from engine.expr.nodes import Field
from engine.expr.shape.model import Shape
from engine.expr.signature import Function

_WORDS = {"true": "true", "false": "false", "null": "null", "none": "null", "nil": "null", "undefined": "null"}
# Read as a path even where nothing is known of the document: nobody names a field like this.
_SLIPS = {
    **dict.fromkeys(("true", "tru", "ture", "treu", "ttrue", "truee"), "true"),
    **dict.fromkeys(("false", "flase", "fasle", "fales", "fals", "falsee"), "false"),
    **dict.fromkeys(("null", "nul", "nulll", "none", "nil", "undefined"), "null"),
}
_SHOWN = 8


def unknown_name(
    field: Field, scope: Shape, root: Shape, functions: Mapping[str, Function], *, head: bool, bare: bool
) -> ExpressionError | None:
    """The error for a name that `scope` does not have or that was never meant as a name; None when it is fine.

    head   the name starts a path, so it could be a word or a function that was meant
    bare   nothing follows it
    """
    if field.name in scope.fields:
        return None
    if head and bare:
        word = _slip(field, scope)
        if word:
            return _word(field, word)
    if field.quoted and head and bare and (not scope.open or _plain(field.name)):
        return _quoted(field)
    if scope.open:
        return None
    if head and field.name in functions and not _close(field.name, scope):
        return _function(field, functions[field.name])
    return _unknown(field, scope, root, functions, head=head, bare=bare)


def _slip(field: Field, scope: Shape) -> str:
    """The JSON word a bare name stands for."""
    low = field.name.lower()
    if field.quoted:
        return ""
    if low in _SLIPS:
        return _SLIPS[low]
    if scope.open:
        return ""
    word = nearest(low, _WORDS)
    if not word or distance(low, word) > (2 if len(word) > 4 else 1):
        return ""
    close = nearest(field.name, scope.fields)
    return "" if close and distance(low, close.lower()) <= distance(low, word) else _WORDS[word]


def _close(name: str, scope: Shape) -> bool:
    close = nearest(name, scope.fields)
    return bool(close) and distance(name, close) <= 1


def _plain(name: str) -> bool:
    return name.isidentifier() and name.isascii()


def _word(field: Field, word: str) -> ExpressionError:
    return _at(
        field,
        "TF2021",
        f"`{field.name}` is read as a path, not as {word}",
        f"JSON words stand in backticks: `{word}`",
        f"`{word}`",
    )


def _quoted(field: Field) -> ExpressionError:
    return _at(
        field,
        "TF2023",
        f'"{field.name}" in double quotes is a path, not text',
        "text stands in single quotes",
        f"'{field.name}'",
    )


def _function(field: Field, function: Function) -> ExpressionError:
    call = f"{field.name}()" if not function.parameters else f"{field.name}("
    return _at(
        field,
        "TF2022",
        f"`{field.name}` is read as a path; the function needs brackets",
        f"write {function.usage}",
        call if call.endswith(")") else function.usage,
    )


def _unknown(
    field: Field, scope: Shape, root: Shape, functions: Mapping[str, Function], *, head: bool, bare: bool
) -> ExpressionError:
    close = nearest(field.name, scope.fields)
    where = f" in {scope.schema}" if scope.schema else ""
    if close:
        advice = f"did you mean `{close}`?"
    elif head and scope is not root and root.has(field.name) and field.name in root.fields:
        advice = f"names belong to the element here; `{field.name}` of the whole document is out of reach inside it"
    elif head and bare and nearest(field.name, functions):
        advice = f"did you mean the function {functions[nearest(field.name, functions)].usage}?"
    else:
        advice = _listed(scope)
    return _at(field, "TF2020", f"there is no `{field.name}`{where} here", advice, close)


def _listed(scope: Shape) -> str:
    names = list(scope.fields)
    if not names:
        return "nothing has been put here"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return "there are: " + ", ".join(names[:_SHOWN]) + more


def _at(field: Field, code: str, message: str, help: str, suggestion: str) -> ExpressionError:
    return ExpressionError(code, message, offset=field.at, length=field.width, help=help, suggestion=suggestion)

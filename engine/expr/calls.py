"""Closures for function calls: arguments checked, literals already while compiling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.core.money import AmountError
from engine.expr.errors import ExpressionError, Where
from engine.expr.nearest import nearest
from engine.expr.nodes import Call, Literal, Node, Ref
from engine.expr.paths import Closure
from engine.expr.signature import Function, Parameter
from engine.expr.values import KINDS, Refused, a, described

Compile = Callable[[Node], Closure]
_SCALARS = frozenset(KINDS) - {list, dict}


def check_arity(function: Function, count: int, at: int) -> None:
    """Raises ExpressionError TF2011 when a function gets the wrong number of arguments."""
    if function.least <= count and (function.most is None or count <= function.most):
        return
    least, most = function.least, function.most
    wanted = f"{least}" if least == most else f"at least {least}" if most is None else f"{least} to {most}"
    raise ExpressionError(
        "TF2011",
        f"{function.name}() takes {wanted} argument{'' if wanted == '1' else 's'}, not {count}",
        offset=at,
        length=len(function.name),
        help=f"write {function.usage}",
    )


def refuse_argument(function: Function, parameter: Parameter, found: str, node: Node) -> ExpressionError:
    """The error for an argument of a kind the function does not take."""
    return ExpressionError(
        "TF2012",
        f"argument `{parameter.name}` of {function.name}() is {found}, it must be {parameter.wanted}",
        offset=node.start,
        length=max(1, node.end - node.start),
        help=f"write {function.usage}",
    )


def call(node: Call, function: Function, compile: Compile) -> Closure:
    """A checked call. Raises ExpressionError for what can be seen to be wrong already."""
    check_arity(function, len(node.args), node.at)
    if len(node.args) == 1 and not function.wants_env and _only_checked(function.parameter(0), node.args[0]):
        return _with_checked(function, compile(node.args[0]))
    arguments = [_argument(function, function.parameter(n), arg, compile) for n, arg in enumerate(node.args)]
    return caller(function, arguments)


def _argument(function: Function, parameter: Parameter, node: Node, compile: Compile) -> Closure:
    if parameter.per_item or isinstance(node, Ref):
        return _per_item(function, parameter, node, compile)
    if isinstance(node, Literal):
        return constant(check_literal(function, parameter, node))
    if parameter.literal:
        raise ExpressionError(
            "TF2013",
            f"argument `{parameter.name}` of {function.name}() must be written out in quotes, not computed",
            offset=node.start,
            length=max(1, node.end - node.start),
            help="so that it can be checked before anything runs",
        )
    closure = compile(node)
    if parameter.lazy:
        return lambda value, env: lambda: closure(value, env)
    return closure if parameter.accepted is None else checked(parameter, closure)


def _per_item(function: Function, parameter: Parameter, node: Node, compile: Compile) -> Closure:
    if not parameter.per_item or not isinstance(node, Ref):
        found = "an expression with &" if isinstance(node, Ref) else "an ordinary value"
        raise refuse_argument(function, parameter, found, node)
    closure = compile(node.item)
    return lambda value, env: lambda item: closure(item, env)


def check_literal(function: Function, parameter: Parameter, node: Literal) -> Any:
    """The value a literal argument has for the function. Raises ExpressionError TF2012 to TF2015."""
    value = node.value
    if not accepts(parameter, value):
        raise refuse_argument(function, parameter, described(value), node)
    if parameter.choices and value not in parameter.choices:
        close = nearest(str(value), map(str, parameter.choices))
        raise ExpressionError(
            "TF2015",
            f"'{value}' is not a {parameter.name} of {function.name}()",
            offset=node.start,
            length=node.end - node.start,
            help="one of " + ", ".join(map(str, parameter.choices)),
            suggestion=f"'{close}'" if close else "",
        )
    if parameter.prepare is not None:
        try:
            value = parameter.prepare(value)
        except ValueError as error:
            where = Where(offset=node.start, length=node.end - node.start)
            text = f"the {parameter.name} of {function.name}() is not valid: {error}"
            advice = f"`tillflow explain {function.name}` shows valid ones"
            raise ExpressionError("TF2014", text, help=advice, **where) from None
    return (lambda: value) if parameter.lazy else value


def constant(value: Any) -> Closure:
    """Always the same value."""
    return lambda _value, _env: value


def folded(call: Closure) -> Closure:
    """A call that can only ever give one value, as that value. One that fails stays: it fails when it is run."""
    try:
        value = call(None, None)
    except Exception:
        return call
    return constant(value) if type(value) in _SCALARS else call


def accepts(parameter: Parameter, value: Any) -> bool:
    """Whether a value is of a kind the parameter takes."""
    if parameter.accepted is not None and type(value) not in parameter.accepted:
        return False
    return parameter.elements is None or type(value) is not list or parameter.elements.issuperset(map(type, value))


def checked(parameter: Parameter, closure: Closure) -> Closure:
    """The argument's closure with a check of what it gives."""
    accepted, elements, choices = parameter.accepted, parameter.elements, parameter.choices
    assert accepted is not None

    def plain(value: Any, env: Any) -> Any:
        found = closure(value, env)
        if type(found) in accepted:
            return found
        raise refused_value(parameter, found)

    def listed(value: Any, env: Any) -> Any:
        found = closure(value, env)
        if type(found) in accepted and elements.issuperset(map(type, found)):  # type: ignore[union-attr]
            return found
        raise refused_value(parameter, found)

    def chosen(value: Any, env: Any) -> Any:
        found = plain(value, env)
        if found in choices:
            return found
        raise Refused(f"`{parameter.name}` must be {parameter.wanted}", "invalid-value")

    return chosen if choices else plain if elements is None else listed


def refused_value(parameter: Parameter, found: Any) -> Refused:
    """The error for an argument of the wrong kind while an expression runs."""
    if type(found) is list and parameter.elements is not None:
        position, item = next((n, v) for n, v in enumerate(found, 1) if type(v) not in parameter.elements)
        wanted = " or ".join(map(a, parameter.element_kinds))
        return Refused(f"element {position} of `{parameter.name}` is {described(item)}, it must be {wanted}")
    hint = "; it is missing: give a value with coalesce(.., ..)" if found is None else ""
    return Refused(f"`{parameter.name}` is {described(found)}, it must be {parameter.wanted}{hint}")


def caller(function: Function, arguments: Sequence[Closure]) -> Closure:
    """The call of a function with the closures of its arguments, which check what they give."""
    if function.wants_env:
        return _with_env(function, arguments)
    if len(arguments) == 1:
        return _with_one(function, arguments[0])
    if len(arguments) == 2:
        return _with_two(function, *arguments)
    target = function.call

    def call(value: Any, env: Any) -> Any:
        try:
            return target(*[argument(value, env) for argument in arguments])
        except Exception as error:
            raise named(error, function) from None

    return call


def _with_env(function: Function, arguments: Sequence[Closure]) -> Closure:
    target = function.call

    def call(value: Any, env: Any) -> Any:
        try:
            return target(env, *[argument(value, env) for argument in arguments])
        except Exception as error:
            raise named(error, function) from None

    return call


def _with_one(function: Function, only: Closure) -> Closure:
    target = function.call

    def call(value: Any, env: Any) -> Any:
        try:
            return target(only(value, env))
        except Exception as error:
            raise named(error, function) from None

    return call


def _only_checked(parameter: Parameter, node: Node) -> bool:
    """Nothing but the type of what the argument gives has to be looked at, while it runs."""
    computed = not isinstance(node, Literal | Ref)
    return computed and parameter.accepted is not None and not parameter.choices and not parameter.literal


def _with_checked(function: Function, only: Closure) -> Closure:
    """`checked` and `_with_one` in one: sums and lengths are what mappings call for every field."""
    target, parameter = function.call, function.parameter(0)
    accepted, elements = parameter.accepted, parameter.elements
    assert accepted is not None

    def call(value: Any, env: Any) -> Any:
        try:
            found = only(value, env)
            if type(found) in accepted and (elements is None or elements.issuperset(map(type, found))):
                return target(found)
            raise refused_value(parameter, found)
        except Exception as error:
            raise named(error, function) from None

    return call


def _with_two(function: Function, first: Closure, second: Closure) -> Closure:
    target = function.call

    def call(value: Any, env: Any) -> Any:
        try:
            return target(first(value, env), second(value, env))
        except Exception as error:
            raise named(error, function) from None

    return call


def named(error: Exception, function: Function) -> Exception:
    """The error with the function it happened in; what the innermost one said stays."""
    if isinstance(error, AmountError):
        error = Refused(str(error), "invalid-value")
    if isinstance(error, Refused) and error.function is None:
        error.function = function.name
    return error

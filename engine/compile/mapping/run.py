"""Nodes of a mapping as closures `(data, env) -> value`. MISSING means: leave the field out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from engine.compile.mapping.nodes import (
    ChoiceNode,
    EachNode,
    GroupNode,
    LetNode,
    ListNode,
    Node,
    ObjectNode,
    OmitNode,
    ValueNode,
)
from engine.core.errors import Failure, Permanent
from engine.core.ids import part
from engine.core.jsonx import over_caps
from engine.core.numbers import EXACT, is_number, plain
from engine.core.quoting import short
from engine.expr.env import Env
from engine.plugins.fields import ValueExpr

Make = Callable[[Any, Env], Any]
MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING"})()


class FieldFailed(Exception):
    """A Failure on its way out, collecting the path of the field it happened in."""

    def __init__(self, failure: Failure, *path: str | int) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.path: list[str | int] = list(path)

    def below(self, step: str | int) -> FieldFailed:
        self.path.insert(0, step)
        return self


def compile_node(node: Node) -> Make:
    """The closure of any node."""
    if isinstance(node, ValueNode):
        return _value(node.value)
    if isinstance(node, ObjectNode):
        return _object(node)
    if isinstance(node, ListNode):
        return _list(node)
    if isinstance(node, EachNode):
        return _each(node)
    if isinstance(node, LetNode):
        return _let(node)
    if isinstance(node, ChoiceNode):
        return _choice(node)
    assert isinstance(node, OmitNode)
    return lambda data, env: MISSING


def _value(value: ValueExpr) -> Make:
    if value.template is not None:
        return value.template.render
    if value.expr is None:
        const = value.const
        return lambda data, env: const
    if value.values is not None or value.has_default or value.optional:
        return _lenient(value)
    evaluate, text = value.expr.evaluate, value.expr.text

    def make(data: Any, env: Env) -> Any:
        made = evaluate(data, env)
        if made is None:
            raise Permanent("missing-value", f"`{short(text)}` gives nothing")
        return made

    return make


def _lenient(value: ValueExpr) -> Make:
    assert value.expr is not None
    evaluate, values, fallback = value.expr.evaluate, value.values, _fallback(value)
    nothing = f"`{short(value.expr.text)}` gives nothing"

    def make(data: Any, env: Env) -> Any:
        made = evaluate(data, env)
        if made is None:
            return fallback(nothing, "missing-value")
        if values is None:
            return made
        word = _word(made)
        if word in values:
            return values[word]
        known = ", ".join(values)
        return fallback(f"`values` has no entry for `{short(word)}`; known: {short(known)}", "unknown-value")

    return make


def _fallback(value: ValueExpr) -> Callable[[str, str], Any]:
    """What is given where nothing was found. A word without an entry is an error even in an optional value."""
    if value.has_default:
        default = value.default
        return lambda detail, reason: default

    def fallback(detail: str, reason: str) -> Any:
        if value.optional and reason == "missing-value":
            return MISSING
        raise Permanent(reason, detail)

    return fallback


def _word(made: Any) -> str:
    """A value as it is written as a key of `values`."""
    if isinstance(made, bool):
        return "true" if made else "false"
    return plain(made) if is_number(made) else str(made)


def _object(node: ObjectNode) -> Make:
    makers = [(name, compile_node(inner)) for name, inner in node.fields.items()]
    choice = compile_node(node.choice) if node.choice is not None else None

    def make(data: Any, env: Env) -> Any:
        made: dict[str, Any] = {}
        name = ""
        try:
            for name, maker in makers:
                value = maker(data, env)
                if value is not MISSING:
                    made[name] = value
        except FieldFailed as failed:
            raise failed.below(name) from None
        except Failure as failure:
            raise FieldFailed(failure, name) from None
        if choice is not None:
            chosen = choice(data, env)
            if chosen is not MISSING:
                made.update(chosen)
        return made

    return make


def _list(node: ListNode) -> Make:
    makers = [(compile_node(item), isinstance(_inner(item), EachNode)) for item in node.items]

    def make(data: Any, env: Env) -> Any:
        made: list[Any] = []
        for maker, many in makers:
            try:
                value = maker(data, env)
            except FieldFailed as failed:
                raise failed if many else failed.below(len(made)) from None
            except Failure as failure:
                raise FieldFailed(failure, *([] if many else [len(made)])) from None
            if many:
                made.extend(value)
            elif value is not MISSING:
                made.append(value)
        return made

    return make


def _inner(node: Node) -> Node:
    return _inner(node.content) if isinstance(node, LetNode) else node


def _each(node: EachNode) -> Make:
    content, where, group = compile_node(node.content), node.where, node.group
    source, item_name, number_name = node.source.evaluate, node.item, node.number
    add = _adder(group) if group is not None else None

    def make(data: Any, env: Env) -> Any:
        made: list[Any] = []
        seen: dict[bytes, Any] = {}
        outside = data if isinstance(data, dict) else {}
        for index, item in enumerate(_items(node, source(data, env))):
            scope = {**outside, item_name: item}
            if number_name:
                scope[number_name] = index + 1
            try:
                if where is not None and not where.condition(scope, env):
                    continue
                element = content(scope, env)
                if element is MISSING or (add is not None and add(seen, element, scope, env)):
                    continue
            except FieldFailed as failed:
                raise failed.below(index) from None
            except Failure as failure:
                raise FieldFailed(failure, index) from None
            made.append(element)
        return made

    return make


def _items(node: EachNode, found: Any) -> Sequence[Any]:
    if isinstance(found, list):
        return found
    if found is None and node.optional:
        return ()
    if found is None:
        raise Permanent("missing-value", f"`{short(node.source.text)}` gives no list")
    raise Permanent("mapping-failed", f"`{short(node.source.text)}` gives {type(found).__name__}, a list is needed")


def _adder(group: GroupNode) -> Callable[[dict[bytes, Any], dict[str, Any], Any, Env], bool]:
    """Adds an element to the earlier one with the same key. False when it is the first of its group."""
    by, sums = group.by, group.sum

    def add(seen: dict[bytes, Any], element: dict[str, Any], scope: Any, env: Env) -> bool:
        values = [element.get(key) if isinstance(key, str) else key(scope, env) for key in by]
        first = seen.setdefault(b"".join(map(part, values)), element)
        if first is element:
            return False
        for name in sums:
            if name in element:
                first[name] = _sum(name, first.get(name, 0), element[name])
        return True

    return add


def _sum(name: str, one: Any, other: Any) -> Any:
    if not (is_number(one) and is_number(other)):
        raise Permanent("mapping-failed", f"`{name}` cannot be added up: it is not a number in every item")
    whole = isinstance(one, int) and isinstance(other, int)
    found = one + other if whole else EXACT.add(Decimal(one), Decimal(other))
    wrong = over_caps(found)
    if wrong:
        raise Permanent("number-too-long", f"the sum of `{name}`: {wrong}")
    return found


def _let(node: LetNode) -> Make:
    values = [(name, compile_node(inner)) for name, inner in node.values.items()]
    content = compile_node(node.content)

    def make(data: Any, env: Env) -> Any:
        return content(_with_names(values, data, env), env)

    return make


def _with_names(values: Sequence[tuple[str, Make]], data: Any, env: Env) -> dict[str, Any]:
    scope = dict(data) if isinstance(data, dict) else {}
    for name, make in values:
        try:
            value = make(scope, env)
        except FieldFailed as failed:
            raise failed.below(name) from None
        except Failure as failure:
            raise FieldFailed(failure, name) from None
        scope[name] = None if value is MISSING else value
    return scope


def _choice(node: ChoiceNode) -> Make:
    branches = [(branch.when, compile_node(branch.content)) for branch in node.branches]

    def make(data: Any, env: Env) -> Any:
        for when, content in branches:
            if when is None or when.condition(data, env):
                return content(data, env)
        return MISSING

    return make

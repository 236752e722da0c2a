"""Walks an expression with what is known of its document: names that do not exist, and kinds that do not fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import Any, Literal, Protocol

from engine.expr import nodes
from engine.expr.errors import ExpressionError
from engine.expr.nodes import Chain, Field, Node
from engine.expr.shape import judge
from engine.expr.shape.arguments import ArgumentChecks
from engine.expr.shape.known import NOTHING_KNOWN, Known
from engine.expr.shape.model import UNKNOWN, Shape
from engine.expr.shape.names import unknown_name
from engine.expr.shape.results import literal

Place = Literal["value", "optional", "condition", "key"]

# Codes of what may go wrong with some events only; callers report them as warnings.
WARNINGS = frozenset({"TF2040", "TF2041", "TF2042", "TF2044"})


class Checkable(Protocol):
    """What a check needs of an Expr."""

    text: str
    tree: Node
    functions: Any


def check_expression(
    expr: Checkable, shape: Shape, place: Place = "value", known: Known = NOTHING_KNOWN
) -> list[ExpressionError]:
    """What is wrong with an expression over such a document, in the order of the text.

    place   `condition` must be yes/no; `key` and `value` must be there; `optional` may be missing
    known   shapes of table rows and parameters
    """
    checker = Checker(expr, shape, known)
    if place == "condition":
        checker.condition(expr.tree, shape)
    else:
        found = checker.shape_of(expr.tree, shape)
        if place == "key":
            checker.errors.extend(judge.key_part(expr.text, expr.tree, found))
        elif place == "value":
            checker.errors.extend(judge.value(expr.text, expr.tree, found))
    once = {(error.offset, error.code, error.message): error for error in checker.errors}
    return [once[place] for place in sorted(once)]


def infer(expr: Checkable, shape: Shape, known: Known = NOTHING_KNOWN) -> Shape:
    """What is known of what an expression gives over such a document."""
    return Checker(expr, shape, known).shape_of(expr.tree, shape)


class Checker:
    """One walk. `errors` is what was found."""

    def __init__(self, expr: Checkable, root: Shape, known: Known) -> None:
        self.text = expr.text
        self.functions = expr.functions
        self.root = root
        self.known = known
        self.errors: list[ExpressionError] = []
        self.skipping: dict[int, Shape] = {}
        self._arguments = ArgumentChecks(self)
        self._shapes: dict[type[Node], Callable[[Any, Shape], Shape]] = {
            nodes.Current: lambda node, scope: scope,
            nodes.Literal: lambda node, scope: literal(node.value),
            nodes.Field: lambda node, scope: self._field(node, scope, head=True, bare=True),
            nodes.Index: self._index,
            nodes.Slice: lambda node, scope: replace(self._list(node, scope), least=0),
            nodes.Chain: self._chain,
            nodes.Flatten: self._flatten,
            nodes.Project: self._project,
            nodes.ProjectValues: self._project_values,
            nodes.Filter: self._filter,
            nodes.MultiList: self._multi_list,
            nodes.MultiDict: self._multi_dict,
            nodes.Or: self._or,
            nodes.And: self._and,
            nodes.Not: self._not,
            nodes.Compare: self._compare,
            nodes.Call: lambda node, scope: self._arguments.call(node, scope),
            nodes.Ref: lambda node, scope: UNKNOWN,
        }

    def shape_of(self, node: Node, scope: Shape) -> Shape:
        """What is known of a node's value where the current value is `scope`."""
        return self._shapes[type(node)](node, scope)

    def condition(self, node: Node, scope: Shape, missing_is_no: bool = False) -> None:
        """Check a node that must be a yes/no answer."""
        if isinstance(node, nodes.And):
            for item in node.items:
                self.condition(item, scope)
        elif isinstance(node, nodes.Or):
            for item in node.items:
                self.condition(item, scope, missing_is_no=missing_is_no or item is not node.items[-1])
        else:
            shape = self.shape_of(node, scope)
            self.errors.extend(judge.condition(self.text, node, shape, missing_is_no=missing_is_no))

    def error(self, code: str, message: str, node: Node, help: str = "", suggestion: str = "") -> Shape:
        """Note an error; what follows from it is not judged."""
        self.errors.append(ExpressionError(code, message, **judge.place(node), help=help, suggestion=suggestion))
        return UNKNOWN

    def _field(self, node: Field, scope: Shape, *, head: bool, bare: bool) -> Shape:
        if not scope.can_be("object"):
            return self._misplaced_name(node, scope)
        error = unknown_name(node, scope, self.root, self.functions, head=head, bare=bare)
        if error is not None:
            self.errors.append(error)
            return UNKNOWN
        return scope.at(node.name)

    def _misplaced_name(self, node: Field, scope: Shape) -> Shape:
        advice, suggestion = "leave it out", ""
        if scope.kinds == {"list"}:
            advice = f"[].{node.name} takes it of every element, [0].{node.name} of the first"
            path = re.search(r"[\w.]*$", self.text[: node.at].rstrip("."))
            suggestion = f"{path[0]}[].{node.name}" if path and path[0] else ""
        self.errors.append(
            ExpressionError(
                "TF2024",
                f"`{node.name}` is looked for in {judge.named(scope.kinds)}, which has no names",
                offset=node.at,
                length=node.width,
                help=advice,
                suggestion=suggestion,
            )
        )
        return UNKNOWN

    def _chain(self, node: Chain, scope: Shape) -> Shape:
        for position, part in enumerate(node.parts):
            if isinstance(part, Field):
                scope = self._field(part, scope, head=position == 0, bare=False)
            else:
                scope = self.shape_of(part, scope)
        return scope

    def _index(self, node: nodes.Index, scope: Shape) -> Shape:
        found = self._list(node, scope)
        sure = not found.known or found.least > (node.index if node.index >= 0 else -node.index - 1)
        item = found.item() if sure else replace(found.item(), maybe=True)
        return item.missing_like(scope)

    def _list(self, node: Node, found: Shape) -> Shape:
        """A shape that must be a list."""
        if found.can_be("list"):
            return found
        return self.error(
            "TF2024", f"{judge.named(found.kinds)} stands here, which has no elements", node, help="leave the [ ] out"
        )

    def _flatten(self, node: nodes.Flatten, scope: Shape) -> Shape:
        found = self._list(node, self.shape_of(node.base, scope))
        item = found.item()
        if item.kinds == {"list"}:
            return replace(found, element=item.item(), least=found.least * item.least)
        return replace(found, least=0) if "list" in item.kinds else found

    def _project(self, node: nodes.Project, scope: Shape) -> Shape:
        base = self._list(node.base, self.shape_of(node.base, scope))
        return self._over(node, node.each, base.item(), base)

    def _project_values(self, node: nodes.ProjectValues, scope: Shape) -> Shape:
        base = self.shape_of(node.base, scope)
        known = [*base.fields.values()] if not base.open and base.fields else []
        return self._over(node, node.each, reduce(Shape.union, known) if known else UNKNOWN, replace(base, least=0))

    def _filter(self, node: nodes.Filter, scope: Shape) -> Shape:
        base = self._list(node.base, self.shape_of(node.base, scope))
        self.condition(node.condition, base.item().sure())
        return self._over(node, node.each, base.item(), replace(base, least=0))

    def _over(self, node: Node, each: Node, item: Shape, base: Shape) -> Shape:
        found = self._each(each, item.sure())
        if found.maybe or not found.known:
            self.skipping[id(node)] = found
        least = 0 if found.maybe or not found.known else base.least
        return replace(Shape.of_list(found.sure()), least=least, maybe=base.maybe, defaulted=base.defaulted)

    def _each(self, each: Node, item: Shape) -> Shape:
        if isinstance(each, Field):
            return self._field(each, item, head=False, bare=False)
        if isinstance(each, Chain) and isinstance(each.parts[0], Field):
            first = self._field(each.parts[0], item, head=False, bare=False)
            return self._chain(Chain(each.start, each.end, (nodes.Current(0, 0), *each.parts[1:])), first)
        return self.shape_of(each, item)

    def _multi_list(self, node: nodes.MultiList, scope: Shape) -> Shape:
        items = [self.shape_of(item, scope) for item in node.items]
        return replace(Shape.of_list(reduce(Shape.union, items)), least=len(items), maybe=scope.maybe)

    def _multi_dict(self, node: nodes.MultiDict, scope: Shape) -> Shape:
        pairs = zip(node.names, node.items, strict=True)
        made = Shape.of_object({name: self.shape_of(item, scope.sure()) for name, item in pairs})
        return made.missing_like(scope)

    def _or(self, node: nodes.Or, scope: Shape) -> Shape:
        *before, last = [self.shape_of(item, scope) for item in node.items]
        found = reduce(Shape.union, [shape.sure() for shape in (*before, last)])
        return replace(found, maybe=last.maybe, defaulted=last.defaulted)

    def _and(self, node: nodes.And, scope: Shape) -> Shape:
        *before, last = node.items
        for item in before:
            self.condition(item, scope)
        return self.shape_of(last, scope).union(Shape.of("yes/no"))

    def _not(self, node: nodes.Not, scope: Shape) -> Shape:
        self.condition(node.item, scope)
        return Shape.of("yes/no")

    def _compare(self, node: nodes.Compare, scope: Shape) -> Shape:
        left, right = self.shape_of(node.left, scope), self.shape_of(node.right, scope)
        self.errors.extend(judge.comparison(self.text, node, left, right))
        return Shape.of("yes/no")

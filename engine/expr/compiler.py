"""Syntax tree -> closures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.expr import calls, logic, paths, projections, selects
from engine.expr.errors import ExpressionError
from engine.expr.functions import FunctionTable
from engine.expr.limits import Meter
from engine.expr.nearest import nearest
from engine.expr.nodes import (
    And,
    Call,
    Chain,
    Compare,
    Current,
    Field,
    Filter,
    Flatten,
    Index,
    Literal,
    MultiDict,
    MultiList,
    Node,
    Not,
    Or,
    Project,
    ProjectValues,
    Ref,
    Slice,
)
from engine.expr.paths import Closure
from engine.expr.signature import Function


class Compiler:
    """Makes the closure of a tree. One per expression: the meter belongs to it."""

    def __init__(self, functions: Mapping[str, Function], strict: bool, meter: Meter | None) -> None:
        self.functions = functions
        self.strict = strict
        self.meter = meter
        self._compilers: dict[type[Node], Callable[[Any], Closure]] = {
            Current: lambda node: lambda value, env: value,
            Literal: lambda node: calls.constant(node.value),
            Field: lambda node: paths.fields([node.name]),
            Index: lambda node: paths.index(node.index),
            Slice: paths.part_of,
            Chain: self._chain,
            Flatten: lambda node: projections.flatten(self.compile(node.base), self.meter),
            Project: self._project,
            ProjectValues: self._project_values,
            Filter: self._filter,
            MultiList: lambda node: selects.multi_list([self.compile(item) for item in node.items], self.meter),
            MultiDict: self._multi_dict,
            Or: lambda node: logic.alternatives([self.compile(item) for item in node.items]),
            And: lambda node: logic.conjunction([self.compile(item) for item in node.items], self.strict),
            Not: lambda node: logic.negation(self.compile(node.item), self.strict),
            Compare: self._compare,
            Call: self._call,
            Ref: self._ref,
        }

    def compile(self, node: Node) -> Closure:
        """The closure of a node. Raises ExpressionError for a wrong call."""
        return self._compilers[type(node)](node)

    def _chain(self, node: Chain) -> Closure:
        parts = node.parts
        names = _leading_names(parts)
        if names and len(parts) > len(names) and isinstance(parts[len(names)], Index):
            after = _leading_names(parts[len(names) + 1 :])
            if after and len(names) + 1 + len(after) == len(parts):
                position = parts[len(names)]
                assert isinstance(position, Index)
                return paths.field_index_field(names, position.index, after)
        closures: list[Closure] = []
        place = 0
        while place < len(parts):
            names = _leading_names(parts[place:])
            closures.append(paths.fields(names) if names else self.compile(parts[place]))
            place += max(1, len(names))
        return closures[0] if len(closures) == 1 else paths.chain(closures)

    def _project(self, node: Project) -> Closure:
        if isinstance(node.base, Flatten) and isinstance(node.each, Field):
            return projections.flat_field(self.compile(node.base.base), node.each.name, self.meter)
        wanted = self._own_names(node.each)
        if isinstance(node.base, Flatten) and isinstance(node.each, MultiDict) and wanted:
            return selects.flat_picked(self.compile(node.base.base), node.each.names, wanted)
        return projections.project(self.compile(node.base), self._each(node.each), self.meter)

    def _each(self, node: Node) -> Closure | None:
        return None if isinstance(node, Current) else self.compile(node)

    def _project_values(self, node: ProjectValues) -> Closure:
        return projections.project_values(self.compile(node.base), self.compile(node.each), self.meter)

    def _filter(self, node: Filter) -> Closure:
        condition = logic.truth(self.compile(node.condition), self.strict, "the condition in [? ]")
        return projections.filtered(self.compile(node.base), condition, self._each(node.each), self.meter)

    def _multi_dict(self, node: MultiDict) -> Closure:
        wanted = self._own_names(node)
        if wanted:
            return selects.picked(node.names, wanted)
        return selects.multi_dict(node.names, [self.compile(item) for item in node.items], self.meter)

    def _own_names(self, node: Node) -> list[str]:
        """The names a multi-select takes, when it takes nothing but names and needs no meter."""
        if not isinstance(node, MultiDict) or self.meter is not None:
            return []
        names = [item.name for item in node.items if isinstance(item, Field)]
        return names if len(names) == len(node.items) else []

    def _compare(self, node: Compare) -> Closure:
        if (
            self.strict
            and node.op in ("==", "!=")
            and isinstance(node.right, Literal)
            and type(node.right.value) is str
        ):
            return logic.equals_text(node.op, self.compile(node.left), node.right.value)
        return logic.compare(node.op, self.compile(node.left), self.compile(node.right), self.strict)

    def _call(self, node: Call) -> Closure:
        function = self.functions.get(node.name)
        if function is None:
            close = nearest(node.name, self.functions)
            raise ExpressionError(
                "TF2010",
                f"there is no function `{node.name}`",
                offset=node.at,
                length=len(node.name),
                help=f"did you mean {self.functions[close].usage}?"
                if close
                else "`tillflow explain functions` lists them",
                suggestion=close,
            )
        made = calls.call(node, function, self.compile)
        return calls.folded(made) if _fixed(node, function) else made

    def _ref(self, node: Ref) -> Closure:
        raise ExpressionError(
            "TF2012",
            "an expression with & stands only where a function takes one",
            offset=node.start,
            length=max(1, node.end - node.start),
            help="write it as an argument, like sort_by(lines, &line_no)",
        )


def _fixed(node: Call, function: Function) -> bool:
    """Always the same call: `money('0.00')`. What a plugin's function gives may depend on more than its arguments."""
    built_in = FunctionTable.builtin().get(node.name) is function
    return built_in and not function.wants_env and all(isinstance(arg, Literal) for arg in node.args)


def _leading_names(parts: tuple[Node, ...]) -> list[str]:
    names: list[str] = []
    for part in parts:
        if not isinstance(part, Field):
            break
        names.append(part.name)
    return names

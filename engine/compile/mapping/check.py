"""Checking a mapping against the schema it reads and the one it has to give."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import reduce
from typing import Any

from engine.compile.expressions import Checker
from engine.compile.mapping.heads import heads_in
from engine.compile.mapping.nodes import (
    Branch,
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
from engine.compile.mapping.read import SOURCES
from engine.compile.report import Place
from engine.config.nearest import suggestion
from engine.expr.shape import UNKNOWN, Known, Shape, infer
from engine.expr.shape.results import literal

_WORDS = (*SOURCES, "fields", "each", "choose", "omit", "let", "slot")
_AS_WRITTEN = {"date": "text", "moment": "text"}


class MappingCheck:
    """One walk. Every method gives what is known of what the node makes."""

    def __init__(self, checker: Checker, known: Known, output: str) -> None:
        self._checker = checker
        self._known = known
        self._output = output

    def node(self, node: Node, data: Shape, wanted: Shape) -> Shape:
        """`data` is what the node's expressions see, `wanted` what the output schema says of this place."""
        if isinstance(node, ValueNode):
            return self._value(node, data, wanted)
        if isinstance(node, ObjectNode):
            return self._object(node, data, wanted)
        if isinstance(node, ListNode):
            return self._list(node, data, wanted)
        if isinstance(node, EachNode):
            return self._each(node, data, wanted)
        if isinstance(node, LetNode):
            return self._let(node, data, wanted)
        if isinstance(node, ChoiceNode):
            return self._choice(node, data, wanted)
        return replace(UNKNOWN, maybe=True)

    def _value(self, node: ValueNode, data: Shape, wanted: Shape) -> Shape:
        value = node.value
        self._checker.value(node.place, value, data)
        if value.template is not None:
            return self._made(node.text_place, Shape.of("text"), wanted)
        if value.expr is None:
            return self._made(node.text_place, literal(value.const), wanted, value.const)
        made = infer(value.expr, data, self._known)
        if value.has_default and value.default is not None:
            self._made(node.place.at("default"), literal(value.default), wanted, value.default)
            made = made.sure()
        if value.values is not None:
            for word, result in value.values.items():
                self._made(node.place.at("values", word), literal(result), wanted, result)
            return reduce(Shape.union, map(literal, value.values.values()))
        return self._made(node.text_place, made, wanted)

    def _made(self, place: Place, made: Shape, wanted: Shape, const: Any = None) -> Shape:
        """A finding when what is made can never be what is wanted."""
        kinds = frozenset(_AS_WRITTEN.get(kind, kind) for kind in made.kinds)
        if kinds and wanted.kinds and kinds.isdisjoint(wanted.kinds):
            text = f"this makes {_words(kinds)}, {self._output} has {_words(wanted.kinds)} here"
            place.finding("TF3503", text, help=_conversion(kinds, wanted.kinds))
        elif wanted.choices and isinstance(const, str) and const not in wanted.choices:
            choices = [str(choice) for choice in wanted.choices]
            near = suggestion(const, choices)
            advice = f"did you mean `{near}`?" if near else f"one of {', '.join(choices)}"
            place.finding("TF3503", f"`{const}` is not a value {self._output} has here", help=advice, suggestion=near)
        return made

    def _object(self, node: ObjectNode, data: Shape, wanted: Shape) -> Shape:
        if not wanted.can_be("object") and self._misspelt(node):
            return UNKNOWN
        self._made(node.place, Shape.of("object"), wanted)
        unknown = [name for name in node.fields if not wanted.has(name)] if wanted.can_be("object") else []
        told = {
            near for name in unknown if (near := self._unknown_field(node.place.at(name), name, wanted, node.fields))
        }
        made = {name: self.node(inner, data, wanted.at(name)) for name, inner in node.fields.items()}
        if node.choice is not None:
            self._checked_branches(node.choice, data)
            for branch in node.choice.branches:
                self._merged_branch(branch, node, data, wanted, told)
        else:
            self._missing(node.place, node.fields, wanted, told)
        return Shape.of_object(made) if node.choice is None else UNKNOWN

    def _misspelt(self, node: ObjectNode) -> bool:
        """True, with a finding, for `{exprr: ..}` where no object can stand."""
        near = {name: suggestion(name, SOURCES) for name in node.fields}
        wrong = next((name for name, meant in near.items() if meant), None)
        if wrong is None:
            return False
        text, advice = f"`{wrong}` is not a word of a mapping", f"did you mean `{near[wrong]}`?"
        node.place.at(wrong).finding("TF3505", text, key=True, help=advice, suggestion=near[wrong])
        return True

    def _unknown_field(self, place: Place, name: str, wanted: Shape, others: Collection[str]) -> str:
        missing = [field for field in wanted.fields if field not in others]
        near = suggestion(name, [*wanted.fields, *_WORDS], missing)
        advice = f"did you mean `{near}`?" if near else "fields: " + ", ".join(wanted.fields)
        place.finding("TF3501", f"{self._output} has no field `{name}` here", key=True, help=advice, suggestion=near)
        return near

    def _missing(self, place: Place, names: Iterable[str], wanted: Shape, told: set[str]) -> None:
        given = {*names, *told}
        for name, shape in wanted.fields.items():
            if not (shape.maybe or shape.defaulted or name in given):
                text = f"{self._output} requires `{name}` here, and nothing makes it"
                place.finding("TF3502", text, key=True, help=f"add `{name}:`", suggestion=f"{name}:")

    def _merged_branch(self, branch: Branch, node: ObjectNode, data: Shape, wanted: Shape, told: set[str]) -> None:
        """A branch whose fields join those of the object around it."""
        content = branch.content
        if isinstance(content, LetNode):
            data, content = self._with_names(content, data), content.content
        if isinstance(content, ObjectNode):
            for name, field in content.fields.items():
                if not wanted.has(name):
                    told = told | {self._unknown_field(content.place.at(name), name, wanted, content.fields)}
                self.node(field, data, wanted.at(name))
            self._missing(content.place, {**node.fields, **content.fields}, wanted, told)
        elif isinstance(content, OmitNode):
            self._missing(node.place, node.fields, wanted, told)
        else:
            content.place.finding(
                "TF3504", "this branch adds fields to the object around it", help="write them under `fields:`"
            )

    def _list(self, node: ListNode, data: Shape, wanted: Shape) -> Shape:
        self._made(node.place, Shape.of("list"), wanted)
        item = wanted.item()
        made = []
        for inner in node.items:
            content = inner.content if isinstance(inner, LetNode) else inner
            if isinstance(content, EachNode):
                made.append(self.node(inner, data, wanted).item())
            else:
                made.append(self.node(inner, data, item))
        return Shape.of_list(reduce(Shape.union, made)) if made else Shape.of("list")

    def _each(self, node: EachNode, data: Shape, wanted: Shape) -> Shape:
        self._made(node.place, Shape.of("list"), wanted)
        at = node.place.at("each")
        self._checker.expression(at.at("in"), node.source, data, "optional" if node.optional else "value")
        found = infer(node.source, data, self._known)
        if not found.can_be("list"):
            text = f"`{node.source.text}` is {_words(found.kinds)}, `each` needs a list"
            at.at("in").finding("TF3503", text, help="name a list")
        self._hides(at.at("as"), node.item, data)
        scope = data.with_path((node.item,), found.item().sure())
        if node.number:
            self._hides(at.at("number"), node.number, data)
            scope = scope.with_path((node.number,), Shape.of("number"))
        if node.where is not None:
            self._checker.expression(node.place.at("where"), node.where, scope, "condition")
        element = self.node(node.content, scope, wanted.item())
        self._used(at.at("as"), node.item, node)
        if node.number:
            self._used(at.at("number"), node.number, node)
        if node.group is not None:
            self._group(node.group, node.content, scope)
        return Shape.of_list(element)

    def _group(self, group: GroupNode, content: Node, scope: Shape) -> None:
        inner = content.content if isinstance(content, LetNode) else content
        names = inner.fields if isinstance(inner, ObjectNode) else {}
        for index, key in enumerate(group.by):
            place = _part(group.place.at("by"), index)
            if isinstance(key, str):
                continue
            if key.text.isidentifier() and not scope.has(key.text):
                place.unknown("TF3507", "field of this block or of the item called", key.text, [*names, *scope.fields])
            else:
                self._checker.expression(place, key, scope, "key")
        for index, name in enumerate(group.sum):
            if name not in names:
                place = _part(group.place.at("sum"), index)
                place.unknown("TF3507", "field of this block called", name, names)

    def _let(self, node: LetNode, data: Shape, wanted: Shape) -> Shape:
        made = self.node(node.content, self._with_names(node, data), wanted)
        for name in node.values:
            self._used(node.place.at("let", name), name, node, key=True)
        return made

    def _used(self, place: Place, name: str, node: Node, *, key: bool = False) -> None:
        """A finding for a name that nothing inside uses; it may be what an unknown name there was meant to be."""
        heads = heads_in(node)
        if name not in heads:
            near = suggestion(name, sorted(heads))
            advice = f"something here reads `{near}`: is that what it is called?" if near else "use it, or leave it out"
            text = f"nothing here uses the name `{name}`"
            place.finding("TF3518", text, key=key, help=advice, suggestion=near, severity="warning")

    def _with_names(self, node: LetNode, data: Shape) -> Shape:
        for name, inner in node.values.items():
            self._hides(node.place.at("let", name), name, data, key=True)
            data = data.with_path((name,), self.node(inner, data, UNKNOWN))
        return data

    def _choice(self, node: ChoiceNode, data: Shape, wanted: Shape) -> Shape:
        self._checked_branches(node, data)
        made = [self.node(branch.content, data, wanted) for branch in node.branches]
        return reduce(Shape.union, made) if made else UNKNOWN

    def _checked_branches(self, node: ChoiceNode, data: Shape) -> None:
        for branch in node.branches:
            if branch.when is not None:
                self._checker.expression(branch.place.at("when"), branch.when, data, "condition")

    def _hides(self, place: Place, name: str, data: Shape, *, key: bool = False) -> None:
        if name in data.fields:
            place.finding("TF3509", f"`{name}` is a field of the document too", key=key, help="choose another name")


def _part(place: Place, index: int) -> Place:
    """Where one name stands, of a list or alone."""
    return place.at(index) if isinstance(place.document.at(place.path), list) else place


def _words(kinds: frozenset[str]) -> str:
    return " or ".join(sorted(kinds))


def _conversion(made: frozenset[str], wanted: frozenset[str]) -> str:
    if wanted == {"text"}:
        return "write text(..), or quote the constant"
    if wanted == {"number"}:
        return "write number(..), or leave the quotes out"
    if wanted == {"yes/no"}:
        return "write is_true(..), present(..) or ==, or {const: true}"
    return "see the output schema"

"""Reading a mapping's `fields` into nodes.

Where a value may stand:
  text                          an expression
  {expr | template | const}     a value with `optional`, `default`, `values`
  {fields: {..}}, {name: ..}    an object
  [..]                          a list of any of these and of blocks with `each`
  {choose: [..]}                the first branch that applies
  {let: {..}, ..}               names for results that are used more than once
A field that is called like one of the words is written under `fields:`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

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
from engine.compile.report import Place
from engine.compile.texts import Texts, report
from engine.config.nearest import suggestion
from engine.expr.errors import ExpressionError
from engine.plugins.fields import VALUE_KEYS, ValueExpr, check_value_keys, is_slip

SOURCES = ("expr", "template", "const")
BLOCK = ("fields", "each", "where", "group", "let", "omit", *SOURCES)
EACH = ("in", "as", "number", "optional")
GROUP = ("by", "sum")
BRANCH = ("when", "otherwise", *BLOCK, "choose", "optional", "default", "values")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class MappingReader:
    """Reads one file; what is wrong goes into the report of the places, and is left out of the nodes."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def value(self, place: Place, raw: Any) -> Node | None:
        """A value of any form; None after a finding."""
        if isinstance(raw, str):
            return self._expression_value(place, raw)
        if isinstance(raw, list):
            return self._list(place, raw)
        if isinstance(raw, Mapping):
            return self._block(place, raw)
        example = "null" if raw is None else str(raw).lower() if isinstance(raw, bool) else str(raw)
        place.finding(
            "TF3504", "this is not an expression, a block or a list", help=f"for a constant: {{const: {example}}}"
        )
        return None

    def object(self, place: Place, raw: Any) -> ObjectNode | None:
        """Fields by name."""
        if not isinstance(raw, Mapping) or not raw:
            place.finding("TF3504", "fields are a block of `name: value` with at least one name", key=True)
            return None
        fields: dict[str, Node] = {}
        slots: list[str] = []
        choice: ChoiceNode | None = None
        for name, value in raw.items():
            if name == "slot" and isinstance(value, str):
                slots.append(value)
            elif name == "choose" and isinstance(value, list):
                choice = self._choice(place.at("choose"), value)
            else:
                # A field with a finding is kept, so that it is not reported as missing too.
                fields[name] = self.value(place.at(name), value) or OmitNode(place.at(name))
        return ObjectNode(place, fields, choice, tuple(slots))

    def lets(self, place: Place, raw: Any) -> dict[str, Node]:
        """Names for results."""
        if not isinstance(raw, Mapping) or not raw:
            place.finding("TF3504", "`let` is a block of `name: value`", key=True)
            return {}
        found = {
            name: self.value(place.at(name), value)
            for name, value in raw.items()
            if self._name(place.at(name), name, key=True)
        }
        return {name: node for name, node in found.items() if node is not None}

    def _expression_value(self, place: Place, text: str) -> ValueNode | None:
        expr = self._texts.expression(place, text)
        return None if expr is None else ValueNode(place, ValueExpr(expr=expr), place)

    def _block(self, place: Place, raw: Mapping[str, Any]) -> Node | None:
        if "let" in raw:
            rest = {key: value for key, value in raw.items() if key != "let"}
            values = self.lets(place.at("let"), raw["let"])
            content = self._block(place, rest)
            return None if content is None else LetNode(place, values, content)
        if "each" in raw:
            return self._each(place, raw)
        if any(source in raw for source in SOURCES):
            return self._explicit(place, raw)
        if "omit" in raw:
            return self._omit(place, raw)
        if list(raw) == ["choose"] and isinstance(raw["choose"], list):
            return self._choice(place.at("choose"), raw["choose"])
        if "fields" in raw:
            return self._fields(place, raw)
        return self._bare_object(place, raw)

    def _bare_object(self, place: Place, raw: Mapping[str, Any]) -> Node | None:
        """An object without a word in it; a misspelt word makes it look like one."""
        for key in raw:
            meant = suggestion(str(key), (*SOURCES, "each", "fields", "choose"))
            others = [other for other in raw if other != key and other in (*VALUE_KEYS, *BLOCK)]
            told = others or is_slip(str(key)) or not isinstance(raw[key], str | Mapping | list)
            if meant and meant != key and told:
                advice = f"did you mean `{meant}`? A field with this name is written under `fields:`"
                text = f"`{key}` beside `{others[0]}`" if others else f"`{key}` is not a word of a mapping"
                place.at(key).finding("TF3505", text, key=True, help=advice, suggestion=meant)
                return None
        return self.object(place, raw)

    def _explicit(self, place: Place, raw: Mapping[str, Any]) -> ValueNode | None:
        try:
            check_value_keys(dict(raw))
        except ExpressionError as error:
            report(place, error)
            return None
        expr = template = None
        source = next(key for key in SOURCES if key in raw)
        if source == "expr":
            expr = self._texts.expression(place.at("expr"), raw["expr"])
        elif source == "template":
            template = self._texts.template(place.at("template"), raw["template"])
        if source != "const" and expr is None and template is None:
            return None
        value = ValueExpr(
            expr=expr,
            template=template,
            const=raw.get("const"),
            optional=raw.get("optional") is True,
            default=raw.get("default"),
            has_default="default" in raw,
            values=raw.get("values"),
        )
        return ValueNode(place, value, place.at(source))

    def _omit(self, place: Place, raw: Mapping[str, Any]) -> Node | None:
        if raw["omit"] is not True or len(raw) > 1:
            place.at("omit").finding("TF3504", "`omit: true` stands alone: the field is left out")
            return None
        return OmitNode(place)

    def _fields(self, place: Place, raw: Mapping[str, Any]) -> Node | None:
        if not self._known(place, raw, ("fields", "where", "group"), "a block of fields", BLOCK):
            return None
        for key in raw:
            if key in ("where", "group"):
                place.at(key).finding(
                    "TF3504", f"`{key}` needs `each` beside it", key=True, help="each: {in: lines, as: line}"
                )
                return None
        return self.object(place.at("fields"), raw["fields"])

    def _list(self, place: Place, raw: list[Any]) -> ListNode | None:
        if not raw:
            place.finding("TF3504", "this list is empty", help="for an empty list: {const: []}")
            return None
        items = [self.value(place.at(index), item) for index, item in enumerate(raw)]
        return ListNode(place, tuple(item for item in items if item is not None))

    def _each(self, place: Place, raw: Mapping[str, Any]) -> Node | None:
        allowed = ("each", "where", "group", "let", "choose", "omit", "fields", *VALUE_KEYS)
        if not self._known(place, raw, allowed, "a block with `each`"):
            return None
        each, at = raw["each"], place.at("each")
        if isinstance(each, Mapping) and not self._known(at, each, EACH, "`each`"):
            return None
        if not isinstance(each, Mapping) or "in" not in each or "as" not in each:
            at.finding(
                "TF3504",
                "`each` says `in` (which list) and `as` (what an item is called)",
                help="each: {in: lines, as: line}",
            )
            return None
        source = self._texts.expression(at.at("in"), each["in"])
        named = self._name(at.at("as"), each["as"])
        numbered = "number" not in each or self._name(at.at("number"), each["number"])
        where = self._texts.expression(place.at("where"), raw["where"]) if "where" in raw else None
        fields = raw.get("fields")
        made = fields if isinstance(fields, Mapping) else {}
        group = self._group(place.at("group"), raw["group"], made) if "group" in raw else None
        content = self._content(place, raw, ("each", "where", "group"))
        if source is None or content is None or not named or not numbered:
            return None
        return EachNode(
            place, source, each["as"], content, each.get("number", ""), each.get("optional") is True, where, group
        )

    def _content(self, place: Place, raw: Mapping[str, Any], without: tuple[str, ...]) -> Node | None:
        """What a block makes, besides the words in `without`."""
        rest = {key: value for key, value in raw.items() if key not in without}
        if not any(key in rest for key in ("fields", "choose", "omit", *SOURCES)):
            place.finding("TF3504", "this block says nothing about what to make", help="add `fields:` or `expr:`")
            return None
        return self._block(place, rest)

    def _group(self, place: Place, raw: Any, made: Mapping[str, Any]) -> GroupNode | None:
        """`made` are the fields the block makes."""
        if isinstance(raw, Mapping) and not self._known(place, raw, GROUP, "`group`"):
            return None
        sums = _names(raw.get("sum", [])) if isinstance(raw, Mapping) else None
        if not isinstance(raw, Mapping) or "by" not in raw or sums is None:
            advice = "group: {by: code, sum: [base, amount]}"
            place.finding(
                "TF3504", "`group` says `by` (what is the same) and `sum` (which fields are added up)", help=advice
            )
            return None
        at, by = place.at("by"), raw["by"]
        texts = [(at.at(index), text) for index, text in enumerate(by)] if isinstance(by, list) else [(at, by)]
        parts = [
            text if isinstance(text, str) and text in made else self._texts.expression(where, text)
            for where, text in texts
        ]
        return GroupNode(place, tuple(part for part in parts if part is not None), sums)

    def _choice(self, place: Place, raw: list[Any]) -> ChoiceNode:
        branches = [self._branch(place.at(index), item) for index, item in enumerate(raw)]
        made = tuple(branch for branch in branches if branch is not None)
        last = raw[-1] if raw else None
        if not isinstance(last, Mapping) or "otherwise" not in last:
            advice = "end with {otherwise: true, ...}; {otherwise: true, omit: true} leaves the field out"
            place.finding("TF3508", "`choose` does not say what happens otherwise", key=True, help=advice)
        return ChoiceNode(place, made)

    def _branch(self, place: Place, raw: Any) -> Branch | None:
        if isinstance(raw, Mapping) and not self._known(place, raw, BRANCH, "a branch"):
            return None
        if not isinstance(raw, Mapping) or ("when" in raw) == ("otherwise" in raw):
            place.finding("TF3504", "a branch has either `when: <condition>` or `otherwise: true`")
            return None
        when = self._texts.expression(place.at("when"), raw["when"]) if "when" in raw else None
        if "otherwise" in raw and raw["otherwise"] is not True:
            place.at("otherwise").finding("TF3504", "`otherwise` is true; what it makes stands beside it")
        content = self._content(place, raw, ("when", "otherwise"))
        if content is None or ("when" in raw and when is None):
            return None
        return Branch(place, when, content)

    def _known(
        self, place: Place, raw: Mapping[str, Any], known: tuple[str, ...], what: str, words: tuple[str, ...] = ()
    ) -> bool:
        unknown = [key for key in raw if key not in known]
        for key in unknown:
            place.at(key).unknown("TF3505", f"key of {what} called", str(key), words or known, key=True)
        return not unknown

    def _name(self, place: Place, name: Any, *, key: bool = False) -> bool:
        if isinstance(name, str) and _WORD.fullmatch(name):
            return True
        place.finding(
            "TF3504", f"`{name}` cannot be used as a name in expressions", key=key, help="letters, digits and _"
        )
        return False


def _names(raw: Any) -> tuple[str, ...] | None:
    """One name or a list of names."""
    names = raw if isinstance(raw, list) else [raw]
    return tuple(names) if all(isinstance(name, str) for name in names) else None

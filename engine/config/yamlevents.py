"""libyaml's events to plain values and positions, in one loop without recursion; what we do not allow is a finding.

Values are resolved by `engine.config.scalars`. What YAML allows and we do not (duplicate and merge keys, tags, several
documents, deep nesting, aliases that grow) is a finding; a file that cannot be read at all gives no document.
"""

from __future__ import annotations

from typing import Any, Final

import yaml as pyyaml
from yaml._yaml import CParser  # libyaml; the pure parser is fifteen times slower and has other limits

from engine.config.document import Marks
from engine.config.expressions import is_cut_short
from engine.config.nodes import ListNode, MapNode, Node
from engine.config.scalars import NumberOutOfRange, resolve
from engine.config.syntax import quoted, syntax_finding
from engine.core.findings import Finding, Mark

MAX_DEPTH: Final = 64
MAX_ALIASES: Final = 100
MAX_NODES: Final = 100_000  # after aliases are expanded; a file of 1 MiB has fewer


class _Stop(Exception):
    """Reading on would be useless or dangerous; the finding is already noted."""


class _Frame:
    """A container being read: its value, its node, the pending key of a mapping, its anchor, and `cut` (see `_cut`)."""

    __slots__ = ("anchor", "cut", "key", "node", "value")

    def __init__(self, value: Any, node: Any, anchor: str | None) -> None:
        self.value = value
        self.node = node
        self.key: Any = None  # the scalar event of the key whose value comes next
        self.anchor = anchor
        self.cut = False


class Reader:
    """Reads one text. `findings` hold everything that was wrong; `value` and `root` what was read."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.marks = Marks(path, text, None)
        self.findings: list[Finding] = []
        self.value: Any = None
        self.root: Node | None = None
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Any, Node]] = {}
        self._open_anchors: set[str] = set()
        self._count = 0
        self._aliases = 0
        self._skip = 0  # depth of containers inside a key that is no text

    def read(self) -> None:
        handlers = {
            pyyaml.ScalarEvent: self._scalar,
            pyyaml.MappingStartEvent: self._open,
            pyyaml.SequenceStartEvent: self._open,
            pyyaml.MappingEndEvent: self._close,
            pyyaml.SequenceEndEvent: self._close,
            pyyaml.AliasEvent: self._alias,
            pyyaml.DocumentStartEvent: self._document,
        }
        parser = CParser(self.text)
        try:
            while (event := parser.get_event()) is not None:
                handler = handlers.get(type(event))
                if handler is not None:
                    handler(event)
        except pyyaml.MarkedYAMLError as error:
            finding = syntax_finding(self.marks, error)
            if not any(f.code == finding.code and f.mark.line == finding.mark.line for f in self.findings):
                self.findings.append(finding)
            self.root = None
        except _Stop:
            self.root = None
        finally:
            parser.dispose()

    # --- events ---

    def _document(self, event: Any) -> None:
        if event.tags:
            self._finding("TF1012", "a tag shorthand is declared here", event.start_mark, "remove the %TAG line")
        if self.root is not None:
            self._finding(
                "TF1005", "a second document starts here", event.start_mark, "put each document into a file of its own"
            )
            raise _Stop

    def _scalar(self, event: Any) -> None:
        if self._skip:
            return
        if event.tag is not None:
            self._tag(event)
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.key is None and type(frame.node) is MapNode:
            self._key(frame, event)
            return
        value = event.value
        if not event.style:
            value = self._plain(event, frame)
        node = (event.start_mark.index, event.end_mark.index, event.style)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, node)
        self._add(value, node, 1)

    def _plain(self, event: Any, frame: _Frame | None) -> Any:
        if frame is not None and frame.node.flow and is_cut_short(event.value):
            self._cut(frame, event)
        try:
            return resolve(event.value)
        except NumberOutOfRange:
            self._finding(
                "TF1016",
                "this number is longer than any amount",
                event.start_mark,
                "put it in quotes if it is an identifier",
                quoted(event.value),
                end=event.end_mark,
            )
            return event.value

    def _key(self, frame: _Frame, event: Any) -> None:
        name = event.value
        if not event.style and name in ("", "~", "null"):
            self._finding("TF1013", "a key is text, here is none", event.start_mark, "write a name before the colon")
        elif not event.style and name == "<<":
            self._finding(
                "TF1011", "a merge key `<<` is used", event.start_mark, "write the keys out", end=event.end_mark
            )
        elif name in frame.node.entries:
            first = self.marks.at(*frame.node.entries[name][:2])
            self._finding(
                "TF1010",
                f"the key `{name}` is already given on line {first.line}",
                event.start_mark,
                "keep one of them",
                end=event.end_mark,
                also=(first,),
            )
        elif not event.style and frame.node.flow and is_cut_short(name):
            self._cut(frame, event)
        frame.key = event

    def _cut(self, frame: _Frame, event: Any) -> None:
        """An expression that YAML cut at its comma: the pieces behind it are no keys, and are told once."""
        if frame.cut:
            return
        frame.cut = True
        self._finding(
            "TF1030",
            f"`{event.value}` is cut off: inside a list or block on one line, `, : [ ] {{ }}` belong to YAML",
            event.start_mark,
            "put the whole expression in double quotes",
            end=event.end_mark,
        )

    def _open(self, event: Any) -> None:
        if self._skip or self._is_key():
            self._skip_key(event)
            return
        if event.tag is not None:
            self._tag(event)
        if len(self._stack) >= MAX_DEPTH:
            self._finding(
                "TF1004",
                f"nested deeper than {MAX_DEPTH} levels",
                event.start_mark,
                "move parts into files of their own",
            )
            raise _Stop
        is_map = type(event) is pyyaml.MappingStartEvent
        node: MapNode | ListNode = (MapNode if is_map else ListNode)(event.start_mark.index, event.flow_style)
        node.size = self._count
        if event.anchor is not None:
            self._open_anchors.add(event.anchor)
        self._stack.append(_Frame({} if is_map else [], node, event.anchor))

    def _close(self, event: Any) -> None:
        if self._skip:
            self._skip -= 1
            return
        frame = self._stack.pop()
        frame.node.end = event.end_mark.index
        frame.node.size = self._count - frame.node.size + 1
        if frame.anchor is not None:
            self._open_anchors.discard(frame.anchor)
            self._anchors[frame.anchor] = (frame.value, frame.node)
        self._add(frame.value, frame.node, 1)

    def _alias(self, event: Any) -> None:
        if self._skip:
            return
        self._aliases += 1
        known = self._anchors.get(event.anchor)
        if known is None:
            inside = event.anchor in self._open_anchors
            text = f"`*{event.anchor}` stands inside what it names" if inside else f"no `&{event.anchor}` stands above"
            advice = "a text that starts with * has to be quoted" if not inside else "write the value out"
            self._finding("TF1015", text, event.start_mark, advice, quoted(f"*{event.anchor}"), end=event.end_mark)
            known = (None, (event.start_mark.index, event.end_mark.index, "*"))
        value, node = known
        size = node.size if isinstance(node, MapNode | ListNode) else 1
        if self._aliases > MAX_ALIASES or self._count + size > MAX_NODES:
            self._finding(
                "TF1014",
                f"aliases make this file larger than {MAX_NODES} values or there are more than {MAX_ALIASES}",
                event.start_mark,
                "write the values out, or put what repeats into a subflow or a mapping",
                end=event.end_mark,
            )
            raise _Stop
        if self._is_key():
            self._finding("TF1013", "a key is text, here is an alias", event.start_mark, "write the key out")
            event.value = "*" + event.anchor
            self._stack[-1].key = event
            return
        self._add(value, node, size)

    # --- what is refused, and what is told ---

    def _is_key(self) -> bool:
        return bool(self._stack) and self._stack[-1].key is None and type(self._stack[-1].node) is MapNode

    def _skip_key(self, event: Any) -> None:
        if not self._skip:
            braces = self.marks.text[max(0, event.start_mark.index - 1) :].startswith("{{")
            advice = "put a text with {{ }} in double quotes" if braces else "write a plain name"
            self._finding("TF1013", "a key is text, here is a list or block", event.start_mark, advice)
            event.value, event.style = "?", ""
            self._stack[-1].key = event
        self._skip += 1
        if self._skip > MAX_DEPTH:
            raise _Stop

    def _add(self, value: Any, node: Any, size: int) -> None:
        self._count += size
        if not self._stack:
            self.value, self.root = value, node
            return
        frame = self._stack[-1]
        if frame.key is None:
            frame.value.append(value)
            frame.node.items.append(node)
            return
        name = frame.key.value
        is_piece = frame.cut and value is None and not name.isidentifier()
        if name not in frame.value and not is_piece:
            frame.value[name] = value
            frame.node.entries[name] = (frame.key.start_mark.index, frame.key.end_mark.index, node)
        frame.key = None

    def _tag(self, event: Any) -> None:
        expression = event.tag.startswith("!") and "(" in event.tag
        advice = "put an expression that starts with ! in double quotes" if expression else "remove the tag"
        self._finding("TF1012", f"the tag `{event.tag}` is not allowed", event.start_mark, advice)

    def _mark(self, start: Any, end: Any = None) -> Mark:
        return self.marks.at(start.index, end.index if end is not None else 0)

    def _finding(
        self,
        code: str,
        message: str,
        start: Any,
        help: str,
        suggestion: str = "",
        *,
        end: Any = None,
        also: tuple[Mark, ...] = (),
    ) -> None:
        self.findings.append(Finding(code, message, self._mark(start, end), help, suggestion, also=also))

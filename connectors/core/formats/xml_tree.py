"""XML documents, read safely: no DTD, no entities, no external references, bounded depth and size.

A document is checked to be well formed before the first record is given, so that a torn file is one work item and
not half a day of sales.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from connectors.core.formats.caps import MAX_DEPTH, MAX_NODES, corrupt

_CHUNK = 1 << 16
_TAG = re.compile(rb"""<[^>"']*(?:"[^"]*"[^>"']*|'[^']*'[^>"']*)*>""")
_NAME = re.compile(rb"<([^\s/>]+)")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


@dataclass(slots=True)
class Node:
    """An element. `tag` and attribute names are `{namespace}local`; `line` counts from 1.

    begin, end   byte offsets of the element in the document
    """

    tag: str
    attributes: dict[str, str]
    line: int
    begin: int
    end: int = 0
    text: str = ""
    children: list[Node] = field(default_factory=list)

    @property
    def local(self) -> str:
        return self.tag.rpartition("}")[2]


class _Builder:
    """Target of the parser: builds the elements below a path and gives them one by one."""

    def __init__(self, path: tuple[str, ...]) -> None:
        self.path = path  # local names from the root to the record element; empty: the root is the record
        self.done: list[tuple[Node, tuple[int, ...]]] = []  # with where its ancestors begin
        self.parser: Any = None
        self._names: list[str] = []
        self._ancestors: list[int] = []
        self._open: list[Node] = []
        self._texts: list[list[str]] = []
        self._nodes = 0
        self._name: Any = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._names.append(tag)
        if len(self._names) > MAX_DEPTH:
            raise _TooMuch(f"nested deeper than {MAX_DEPTH} levels", self.parser.CurrentLineNumber)
        if not self._open and not self._is_record():
            self._ancestors.append(self.parser.CurrentByteIndex)
            return
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _TooMuch(f"a record has more than {MAX_NODES} elements", self.parser.CurrentLineNumber)
        self._open.append(Node(tag, attributes, self.parser.CurrentLineNumber, self.parser.CurrentByteIndex))
        self._texts.append([])

    def _is_record(self) -> bool:
        if not self.path:
            return len(self._names) == 1
        return len(self._names) == len(self.path) and all(
            same_name(name, tag) for name, tag in zip(self.path, self._names, strict=True)
        )

    def data(self, text: str) -> None:
        if self._texts:
            self._texts[-1].append(text)

    def end(self, tag: str) -> None:
        self._names.pop()
        if not self._open:
            self._ancestors.pop()
            return
        node = self._open.pop()
        node.text = "".join(self._texts.pop())
        node.end = self.parser.CurrentByteIndex
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.done.append((node, tuple(self._ancestors)))
            self._nodes = 0

    def close(self) -> None:
        return None


class _TooMuch(Exception):
    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.line = line


class _Check:
    """Target of the first pass: depth only."""

    def __init__(self) -> None:
        self.depth = 0
        self.parser: Any = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _TooMuch(f"nested deeper than {MAX_DEPTH} levels", self.parser.CurrentLineNumber)

    def end(self, tag: str) -> None:
        self.depth -= 1

    def close(self) -> None:
        return None


@dataclass(frozen=True)
class Element:
    """A record element and where it stood."""

    node: Node
    _content: bytes
    _ancestors: tuple[int, ...]

    @property
    def raw(self) -> bytes:
        """Its own bytes inside the tags around it: a document that can be mended and read again by itself."""
        if not self._ancestors:
            return self._content
        opening = [_tag_at(self._content, begin) for begin in self._ancestors]
        names = [_NAME.match(tag) for tag in opening]
        closing = [b"</" + name[1] + b">" for name in names if name is not None]
        head = self._content[: self._ancestors[0]]
        return head + b"".join(opening) + self._own() + b"".join(reversed(closing))

    def _own(self) -> bytes:
        node = self.node
        last = _tag_at(self._content, node.begin if node.end == node.begin else node.end)
        return self._content[node.begin : node.end] + last


def _tag_at(content: bytes, begin: int) -> bytes:
    """The tag that begins there, whatever its attributes hold."""
    found = _TAG.match(content, begin)
    return found[0] if found else b""


def elements(content: bytes, name: str, path: tuple[str, ...]) -> Iterator[Element]:
    """Elements at `path` (local or `{namespace}local` names from the root), in order.

    Raises Permanent `corrupt-document` before the first one when the document is not well formed or not safe.
    """
    content = _single_bytes(content, name)
    for _ in feed(content, name, _Check()):
        pass
    builder = _Builder(path)
    for _ in feed(content, name, builder):
        for node, ancestors in builder.done:
            yield Element(node, content, ancestors)
        builder.done.clear()


def _single_bytes(content: bytes, name: str) -> bytes:
    """A document in UTF-16 as UTF-8: offsets and tags are then plain bytes."""
    if content[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return content
    try:
        text = content.decode("utf-16")
    except UnicodeError as error:
        raise corrupt(name, f"its encoding cannot be read: {error}") from None
    return _DECLARATION.sub("", text).encode()


def same_name(name: str, tag: str) -> bool:
    """Whether a name of a path, local or in full, is that of an element."""
    return name in (tag, tag.rpartition("}")[2])


def feed(content: bytes, name: str, target: Any) -> Iterator[None]:
    """Parse, piece by piece, what is checked as it goes. Raises Permanent `corrupt-document`."""
    parser = DefusedXMLParser(target=target, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    target.parser = parser.parser
    try:
        for start in range(0, len(content), _CHUNK):
            parser.feed(content[start : start + _CHUNK])
            yield
        parser.close()
        yield
    except ParseError as error:
        line, column = error.position
        raise corrupt(
            name, f"not well-formed XML at column {column + 1}: {str(error).partition(':')[0]}", line
        ) from None
    except DefusedXmlException as error:
        what = type(error).__name__.removesuffix("Forbidden").removesuffix("Reference")
        why = f"a document type, entity or external reference ({what}) is not accepted"
        raise corrupt(name, why, parser.parser.CurrentLineNumber) from None
    except _TooMuch as error:
        raise corrupt(name, str(error), error.line) from None
    except (LookupError, ValueError) as error:
        raise corrupt(name, f"its encoding cannot be read: {error}") from None

"""What an XML document without a record holds instead: told from its tags alone, whatever its size."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from connectors.core.formats.caps import corrupt
from connectors.core.formats.xml_tree import feed, same_name

_ALIKE = 0.75  # of the letters; `Order` and `Orders`, `Order` and `Odrer`
_MOST = 1000  # names that are kept


@dataclass
class Outline:
    """`root` as it is written, whether it is the first of the path, and what stood where the path goes on.

    beside      (name the path wants, local name of an element in its place)
    elsewhere   the line of an element called like the record, in another place; 0: there is none
    """

    root: str = ""
    root_fits: bool = False
    beside: set[tuple[str, str]] = field(default_factory=set)
    elsewhere: int = 0


class _Walk:
    """Target of the parser: follows the path as far as it goes."""

    def __init__(self, path: tuple[str, ...]) -> None:
        self.found = Outline()
        self.parser: Any = None
        self._path = path
        self._depth = 0
        self._on = 0  # so many elements around are those of the path

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        on_path = self._depth == self._on < len(self._path)
        self._depth += 1
        if self._depth == 1:
            self.found.root = local(tag)
        elif not self.found.elsewhere and not on_path and local(tag) == local(self._path[-1]):
            self.found.elsewhere = self.parser.CurrentLineNumber
        if not on_path:
            return
        wanted = self._path[self._on]
        if same_name(wanted, tag):
            self._on += 1
            self.found.root_fits = True
        elif self._depth > 1 and len(self.found.beside) < _MOST:
            self.found.beside.add((local(wanted), local(tag)))

    def end(self, tag: str) -> None:
        if self._on == self._depth:
            self._on -= 1
        self._depth -= 1

    def close(self) -> None:
        return None


def require_kind(content: bytes, name: str, path: tuple[str, ...], record: str) -> None:
    """A document without a record is of the right kind if its root is: then it has none. Raises `corrupt-document` else.

    An element in another place that is called like the record, or in its place and called nearly so, is no other
    thing, but a record that would be lost.
    """
    found = outline(content, name, path)
    if not found.root_fits or len(path) < 2:
        raise corrupt(name, f"there is no element at `{record}`; its root is `{found.root}`")
    if found.elsewhere:
        last = local(path[-1])
        raise corrupt(name, f"there is no element at `{record}`, but `{last}` in another place", found.elsewhere)
    for wanted, other in sorted(found.beside):
        if alike(wanted, other):
            why = f"there is no element at `{record}`, but `{other}` stands where `{wanted}` would"
            raise corrupt(name, f"{why}; correct the file, or what the format says of names and namespaces")


def outline(content: bytes, name: str, path: tuple[str, ...]) -> Outline:
    """Of a document that was found to be well formed."""
    walk = _Walk(path)
    for _ in feed(content, name, walk):
        pass
    return walk.found


def local(tag: str) -> str:
    """The name without its namespace."""
    return tag.rpartition("}")[2]


def alike(wanted: str, other: str) -> bool:
    """The same name in another namespace or case, or with a letter or two in another place."""
    return SequenceMatcher(None, wanted.lower(), other.lower()).ratio() >= _ALIKE

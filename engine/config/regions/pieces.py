"""Values put together from several files, each of which still knows the place it was written at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.config.document import Document, Marks
from engine.config.nodes import Path
from engine.core.findings import Mark


@dataclass(frozen=True, slots=True)
class Piece:
    """A value and where it stands: `path` of `document`.

    inner   its parts, where one of them was put there by somebody else: by key, or the items of a list
    was     what it replaced, the newest first
    """

    document: Document
    path: Path = ()
    inner: dict[str, Piece] | list[Piece] | None = None
    was: tuple[Piece, ...] = ()

    @property
    def value(self) -> Any:
        """The plain value, as a document holds it."""
        if isinstance(self.inner, dict):
            return {key: piece.value for key, piece in self.inner.items()}
        if isinstance(self.inner, list):
            return [piece.value for piece in self.inner]
        return self.document.at(self.path)

    @property
    def mark(self) -> Mark:
        return self.document.marks.value(self.path)

    def opened(self) -> Piece:
        """The same with its parts as pieces of their own."""
        if self.inner is not None:
            return self
        value = self.document.at(self.path)
        if isinstance(value, dict):
            return self._with({key: Piece(self.document, (*self.path, key)) for key in value})
        if isinstance(value, list):
            return self._with([Piece(self.document, (*self.path, index)) for index in range(len(value))])
        return self

    def _with(self, inner: dict[str, Piece] | list[Piece]) -> Piece:
        return Piece(self.document, self.path, inner, self.was)

    def at(self, path: Path) -> Piece:
        """The piece at a path that exists."""
        piece = self
        for part in path:
            inner = piece.opened().inner
            assert inner is not None
            piece = inner[part]  # type: ignore[index]
        return piece

    def put(self, path: Path, made: Piece) -> Piece:
        """This with another piece at a path; all on the way there but the last part exists."""
        if not path:
            return made
        first, rest = path[0], path[1:]
        opened = self.opened()
        if isinstance(opened.inner, dict):
            assert isinstance(first, str)
            former = opened.inner.get(first)
            changed = former.put(rest, made) if rest and former is not None else made
            return opened._with({**opened.inner, first: changed})
        assert isinstance(opened.inner, list) and isinstance(first, int)
        items = list(opened.inner)
        items[first] = items[first].put(rest, made)
        return opened._with(items)

    def with_items(self, items: list[Piece]) -> Piece:
        """A list with these items."""
        return self._with(items)

    def follow(self, path: Path) -> tuple[Document, Path]:
        """Where the value at a path stands. A path that leads nowhere is followed as far as there is something."""
        piece = self
        for index, part in enumerate(path):
            following = _inside(piece.inner, part)
            if following is None:
                return piece.document, (*piece.path, *path[index:])
            piece = following
        return piece.document, piece.path

    def leaves(self, path: Path = ()) -> Iterator[tuple[Path, Piece]]:
        """Every value that holds no others (an empty block or list is one), in the order of the document."""
        opened = self.opened()
        if isinstance(opened.inner, dict) and opened.inner:
            for key, piece in opened.inner.items():
                yield from _inherited(piece, self).leaves((*path, key))
        elif isinstance(opened.inner, list) and opened.inner:
            for index, piece in enumerate(opened.inner):
                yield from _inherited(piece, self).leaves((*path, index))
        else:
            yield path, self


def _inside(inner: dict[str, Piece] | list[Piece] | None, part: str | int) -> Piece | None:
    if isinstance(inner, dict):
        return inner.get(part) if isinstance(part, str) else None
    if isinstance(inner, list) and isinstance(part, int) and part < len(inner):
        return inner[part]
    return None


def _inherited(piece: Piece, around: Piece) -> Piece:
    """What a block replaced, its parts replaced."""
    return replace(piece, was=around.was) if around.was and not piece.was else piece


class MergedMarks(Marks):
    """Places of a document that was put together: each in the file its value came from."""

    def __init__(self, root: Piece) -> None:
        first = root.document.marks
        super().__init__(first.file, first.text, first.root)
        self._whole = root

    def key(self, path: Path) -> Mark:
        document, there = self._whole.follow(path)
        return document.marks.key(there)

    def value(self, path: Path) -> Mark:
        document, there = self._whole.follow(path)
        return document.marks.value(there)

    def inside(self, path: Path, offset: int, length: int = 1) -> Mark:
        document, there = self._whole.follow(path)
        return document.marks.inside(there, offset, length)

    def written(self, path: Path) -> str:
        document, there = self._whole.follow(path)
        return document.marks.written(there)

    def is_replaced(self, path: Path) -> bool:
        document, there = self._whole.follow(path)
        return document.marks.is_replaced(there)

    def replaced(self, changed: frozenset[Path]) -> Marks:
        return self


def merged(root: Piece, more: Mapping[str, str]) -> Document:
    """A document made of pieces. `more`: texts of the files they come from besides the root's own, by path."""
    texts = (root.document.text, *(text for _, text in sorted(more.items())))
    return Document(root.document.path, root.value, MergedMarks(root), "\n".join(texts))

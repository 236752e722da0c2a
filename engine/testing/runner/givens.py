"""What a case puts in: documents of events and native files, changed, repeated and shuffled as it says."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, TypeVar

from engine.config.layout import beside
from engine.config.models.tests import GivenDoc
from engine.core.errors import Failure
from engine.core.jsonx import parse
from engine.testing.runner.chosen import TestCase
from engine.testing.runner.values import BadTest, path_of, with_value, without

T = TypeVar("T")


@dataclass(frozen=True)
class Given:
    """Documents (JSON values) and files (name, bytes) in the order they come; copies are repeated in them."""

    documents: tuple[Any, ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()

    def again(self, times: int, seed: int | None) -> Given:
        """Each of them this often, in a random order where there is a seed."""
        return replace(self, documents=_mixed(self.documents, times, seed), files=_mixed(self.files, times, seed))


def read_given(case: TestCase, files: Mapping[str, bytes]) -> Given:
    """What the case names, once each, in order. Raises BadTest."""
    given = case.doc.given
    names = [name for name in (given.file, *(given.files or ())) if name is not None]
    raw = [one for one in (given.event, *(given.events or ())) if one is not None]
    documents = tuple(_changed(_document(case, one, files), given) for one in raw)
    return Given(documents, tuple((posixpath.basename(name), _content(case, name, files)) for name in names))


def _document(case: TestCase, raw: Any, files: Mapping[str, bytes]) -> Any:
    if not isinstance(raw, str):
        return raw
    try:
        return parse(_content(case, raw, files))
    except Failure as failure:
        raise BadTest(f"{raw} is not JSON: {failure.detail}") from None


def _content(case: TestCase, name: str, files: Mapping[str, bytes]) -> bytes:
    path = beside(case.file, name)
    if path is None or path not in files:
        raise BadTest(f"there is no file `{name}` beside the test")
    return files[path]


def _changed(document: Any, given: GivenDoc) -> Any:
    for text, value in given.set.items():
        document = with_value(document, path_of(text), value)
    for text in given.remove:
        document = without(document, path_of(text))
    return document


def _mixed(items: Sequence[T], times: int, seed: int | None) -> tuple[T, ...]:
    copies = [item for item in items for _ in range(times)]
    if seed is not None:
        Random(seed).shuffle(copies)
    return tuple(copies)

"""Binding a raw block of a file to the Config that describes it, with findings at the exact places."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from engine.compile.report import Place
from engine.config.document import Document
from engine.config.validate import findings_of

M = TypeVar("M", bound=BaseModel)


def bind(
    place: Place,
    model: type[M],
    raw: Any,
    build: Any = None,
    *,
    also: Collection[str] = (),
    above: Collection[str] = (),
    what: str = "",
) -> M | None:
    """The block at `place` as its model; None after findings. `raw` is the block with parameters and secrets filled in.

    `also` are keys of the block that belong to somebody else, `above` those that belong one level up.
    """
    try:
        return model.model_validate(raw, context=build)
    except ValidationError as error:
        document = _with(place.document, place.path, raw)
        findings = findings_of(error, document, place.path, model, also=also, above=above, what=what)
        place.report.add(*findings)
        return None


def _with(document: Document, path: tuple[str | int, ...], raw: Any) -> Document:
    """The document as it is seen after filling in: error locations are followed through the filled-in values."""
    data: Any = raw
    for part in reversed(path):
        data = {part: data} if isinstance(part, str) else _Sparse(part, data)
    return Document(document.path, data, document.marks, document.text)


class _Sparse(list[Any]):
    """A list of which one item is known."""

    def __init__(self, index: int, item: Any) -> None:
        super().__init__([None] * index)
        self.append(item)

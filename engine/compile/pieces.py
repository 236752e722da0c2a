"""Pieces of a project that were compiled before: mappings, event types, formats, test cases.

A piece is used again when everything it was made of is what it was then. One about which there was something to say is
compiled every time: it has to be said again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from engine.compile.catalog import Catalog

T = TypeVar("T")
Named = tuple[str, str]  # kind and name


@dataclass(frozen=True)
class _Notes:
    """What the compilation of a piece noted in the catalog."""

    used: set[Named]
    secrets: Mapping[str, str]
    schemas: set[str]

    def into(self, catalog: Catalog) -> None:
        catalog.used |= self.used
        catalog.secret_versions.update(self.secrets)
        catalog.schemas.asked |= self.schemas

    @property
    def names(self) -> set[Named]:
        return {*self.used, *(("secret", name) for name in self.secrets), *(("schema", name) for name in self.schemas)}


@dataclass(frozen=True)
class _Kept(Generic[T]):
    value: T
    made_of: tuple[Any, ...]
    stamps: Mapping[Named, Any]
    notes: _Notes


class Pieces(Generic[T]):
    """Those of one kind, by name. Only what the last compilation needed is kept."""

    def __init__(self) -> None:
        self._before: Mapping[str, _Kept[T]] = {}
        self._now: dict[str, _Kept[T]] = {}

    def turn(self) -> None:
        """Another compilation begins."""
        self._before, self._now = self._now, {}

    def piece(self, catalog: Catalog, name: str, made_of: tuple[Any, ...], make: Callable[[], T]) -> T:
        """The piece as it was made before, or made now.

        made_of   what it depends on besides that which it names: schemas, tables and secrets are seen by themselves
        """
        kept = self._now.get(name) or self._before.get(name)
        if kept is None or kept.made_of != made_of or _stamps(catalog, kept.stamps) != kept.stamps:
            return self._made(catalog, name, made_of, make)
        self._now[name] = kept
        kept.notes.into(catalog)
        return kept.value

    def _made(self, catalog: Catalog, name: str, made_of: tuple[Any, ...], make: Callable[[], T]) -> T:
        schemas = catalog.schemas
        before = catalog.used, catalog.secret_versions, schemas.asked
        catalog.used, catalog.secret_versions, schemas.asked = set(), {}, set()
        said = catalog.report.count
        value = make()
        notes = _Notes(catalog.used, catalog.secret_versions, schemas.asked)
        catalog.used, catalog.secret_versions, schemas.asked = before
        notes.into(catalog)
        if value is not None and catalog.report.count == said:
            self._now[name] = _Kept(value, made_of, _stamps(catalog, notes.names), notes)
        return value


def _stamps(catalog: Catalog, names: Mapping[Named, Any] | set[Named]) -> dict[Named, Any]:
    return {(kind, name): _stamp(catalog, kind, name) for kind, name in names}


def _stamp(catalog: Catalog, kind: str, name: str) -> Any:
    """Another one as soon as something that names this may come out otherwise."""
    if kind == "secret":
        return catalog.secret_there(name)
    exists = catalog.project.exists(kind, name)
    if kind == "schema":
        return exists, catalog.schemas.stamp(name)
    if kind == "table":
        return exists, name in catalog.tables, catalog.row_shape(name)
    return exists, catalog.project.templates.get(name) if kind == "template" else None

"""A Project: what the files of a folder say, as documents and skeletons."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from engine.config.document import Document
from engine.config.models.regions import OverlayDoc, PackDoc
from engine.config.models.resources import ConnectionsDoc, MappingDoc, TablesDoc
from engine.config.models.route import RouteDoc, SubflowDoc
from engine.config.models.schema import SchemaHead
from engine.config.models.scopes import ScopesDoc
from engine.config.models.tests import TestsDoc

M = TypeVar("M")


@dataclass(frozen=True)
class Loaded(Generic[M]):
    """One file: its document, its skeleton, and the region it belongs to (empty for the base)."""

    document: Document
    model: M
    region: str = ""

    @property
    def path(self) -> str:
        return self.document.path


@dataclass(frozen=True)
class Project:
    """All files of a project.

    files      every file's bytes by its path, with which the same project can be read again (`read_project_from`)
    routes, subflows, mappings, schemas   by the name they declare; a schema's is `type@n`
    templates  text of mappings/templates/ by file name
    cases      bytes of test cases by path
    packs      by region code
    broken     names per kind whose file exists and could not be read: a reference to one is no second problem
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    routes: Mapping[str, Loaded[RouteDoc]] = field(default_factory=dict)
    subflows: Mapping[str, Loaded[SubflowDoc]] = field(default_factory=dict)
    mappings: Mapping[str, Loaded[MappingDoc]] = field(default_factory=dict)
    schemas: Mapping[str, Loaded[SchemaHead]] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)
    connections: Loaded[ConnectionsDoc] | None = None
    tables: Loaded[TablesDoc] | None = None
    scopes: Loaded[ScopesDoc] | None = None
    tests: tuple[Loaded[TestsDoc], ...] = ()
    packs: Mapping[str, Loaded[PackDoc]] = field(default_factory=dict)
    overlays: tuple[Loaded[OverlayDoc], ...] = ()
    broken: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def cases(self) -> Mapping[str, bytes]:
        """Bytes of everything in the folders `cases`."""
        return {path: content for path, content in self.files.items() if "/cases/" in path}

    @property
    def digest(self) -> str:
        """SHA-256 over all paths and bytes: equal for equal files."""
        whole = hashlib.sha256()
        for path, content in sorted(self.files.items()):
            whole.update(f"{len(path)}:{path}{len(content)}:".encode())
            whole.update(content)
        return whole.hexdigest()

    def exists(self, kind: str, name: str) -> bool:
        """True when there is such a route, subflow, mapping, schema, connection or table, readable or not."""
        broken = self.broken.get(kind, ())
        return name in self._named(kind) or name in broken or "*" in broken

    def readable(self, kind: str, name: str) -> bool:
        """True when there is such a thing and it could be read."""
        return name in self._named(kind)

    def names(self, kind: str) -> list[str]:
        """Names that could be read: of kind `route subflow mapping schema template connection table pack`."""
        return list(self._named(kind))

    def _named(self, kind: str) -> Mapping[str, Any]:
        if kind == "connection":
            return self.connections.model.connections if self.connections is not None else {}
        if kind == "table":
            return self.tables.model.tables if self.tables is not None else {}
        by_kind: dict[str, Mapping[str, Any]] = {
            "route": self.routes,
            "subflow": self.subflows,
            "mapping": self.mappings,
            "schema": self.schemas,
            "template": self.templates,
            "pack": self.packs,
        }
        return by_kind[kind]

"""What was compiled before, for a process that compiles the same project again and again. Smaller pieces: `pieces`.

A route is compiled again when its document or anything it was made of is another one by digest. One about which there
was something to say is compiled every time: it has to be said again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.compile.catalog import Catalog
from engine.compile.digests import content_digest
from engine.compile.mapping.mapper import CompiledMapping
from engine.compile.pieces import Pieces
from engine.compile.plan import EventType, Plan
from engine.compile.report import Report
from engine.compile.schemas.collection import Schemas
from engine.compile.texts import Texts
from engine.config.models.route import RouteDoc
from engine.config.project import Loaded, Project
from engine.expr.shape import Shape
from engine.plugins.functions import functions_of
from engine.plugins.registry import Registry
from engine.ports.secrets import SecretSource

Read = tuple[Plan | None, set[str]]  # the Plan, and the parameters that something reads
_GONE = "gone"


@dataclass(frozen=True)
class _Kept:
    """A compiled route and what its compilation noted in the catalog."""

    data: Mapping[str, Any]
    text: str
    plan: Plan
    read: set[str]
    used: set[tuple[str, str]]
    bodies: Mapping[tuple[str, str], Any]
    read_params: Mapping[str, set[str]]
    rows: Mapping[str, Shape]  # what was known of rows of its tables: where no schema says it, their first line does


@dataclass
class Memory:
    """Compiled routes by name, those under overlays with their names behind it, and the pieces they are made of. Of
    what is gone nothing is kept, and nothing at all where another registry comes.
    """

    mappings: Pieces[CompiledMapping | None] = field(default_factory=Pieces)
    types: Pieces[EventType] = field(default_factory=Pieces)
    formats: Pieces[Shape] = field(default_factory=Pieces)
    cases: Pieces[bool] = field(default_factory=Pieces)
    _kept: dict[str, _Kept] = field(default_factory=dict)
    _report: Report = field(default_factory=Report)
    _registry: Registry | None = None
    _texts: Texts | None = None
    _schemas: Schemas | None = None

    def begin(self, project: Project, registry: Registry, secrets: SecretSource) -> Catalog:
        """The catalog of another compilation."""
        if registry is not self._registry:
            self._clear()
        functions = self._texts.functions if self._texts is not None else functions_of(registry)
        self._registry = registry
        self._report.clear()
        self._texts = Texts(functions, self._texts)
        self._schemas = Schemas(project, self._report, self._schemas)
        for pieces in (self.mappings, self.types, self.formats, self.cases):
            pieces.turn()
        return Catalog(project, registry, secrets, self._texts, self._report, self._schemas, self.formats)

    def end(self, catalog: Catalog) -> None:
        """Routes that are not in this project are gone."""
        routes = catalog.project.routes
        self._kept = {name: kept for name, kept in self._kept.items() if name.partition(" ")[0] in routes}
        if catalog.schemas.refused:
            self._clear()  # which of them were seen in time depends on what was compiled when

    def _clear(self) -> None:
        self.mappings, self.types, self.formats, self.cases = Pieces(), Pieces(), Pieces(), Pieces()
        self._kept = {}
        self._registry = self._texts = self._schemas = None

    def route(self, catalog: Catalog, name: str, loaded: Loaded[RouteDoc], compile: Callable[[], Read]) -> Read:
        """The route as it was compiled before, or compiled now."""
        kept = self._kept.get(name)
        if kept is None or not _same(catalog, kept, loaded):
            return self._compiled(catalog, name, loaded, compile)
        catalog.used |= kept.used
        catalog.bodies.update(kept.bodies)
        _join(catalog.read_params, kept.read_params)
        return kept.plan, kept.read

    def _compiled(self, catalog: Catalog, name: str, loaded: Loaded[RouteDoc], compile: Callable[[], Read]) -> Read:
        before = catalog.used, catalog.bodies, catalog.read_params
        catalog.used, catalog.bodies, catalog.read_params = set(), {}, {}
        said = catalog.report.count
        plan, read = compile()
        self._kept.pop(name, None)
        if plan is not None and catalog.report.count == said and _readable(catalog, catalog.used):
            noted = catalog.used, catalog.bodies, catalog.read_params
            rows = {table: catalog.row_shape(table) for table in plan.tables}
            self._kept[name] = _Kept(loaded.document.data, loaded.document.text, plan, read, *noted, rows)
        used, bodies, read_params = catalog.used, catalog.bodies, catalog.read_params
        catalog.used, catalog.bodies, catalog.read_params = before
        catalog.used |= used
        catalog.bodies.update(bodies)
        _join(catalog.read_params, read_params)
        return plan, read


def _same(catalog: Catalog, kept: _Kept, loaded: Loaded[RouteDoc]) -> bool:
    document = loaded.document
    if document.text != kept.text or (document.data is not kept.data and document.data != kept.data):
        return False
    if not _readable(catalog, kept.used):
        return False
    if any(catalog.row_shape(table) != shape for table, shape in kept.rows.items()):
        return False
    return all(_now(catalog, key, digest) == digest for key, digest in kept.plan.uses.items())


def _readable(catalog: Catalog, used: set[tuple[str, str]]) -> bool:
    """A Plan beside a file that cannot be read lacks what stands there: it has no digest to tell it by."""
    return all(catalog.project.readable(kind, name) for kind, name in used)


def _now(catalog: Catalog, key: str, before: str) -> str:
    """The digest of something a Plan is made of. What comes with the process stays as it is."""
    kind, _, name = key.partition(" ")
    project = catalog.project
    if kind == "schema":
        return catalog.schemas.digest(name) if name in catalog.schemas.names else _GONE
    if kind == "mapping":
        mapping = catalog.mappings.get(name)
        return mapping.digest if mapping is not None else _GONE
    if kind == "template":
        return catalog.template_digest(name) if name in project.templates else _GONE
    if kind == "subflow":
        return content_digest(project.subflows[name].document.data) if name in project.subflows else _GONE
    if kind == "connection":
        return catalog.connections[name].digest if name in catalog.connections else _GONE
    if kind == "table":
        return catalog.tables[name].version if name in catalog.tables else _GONE
    return catalog.secret_version(name) if kind == "secret" else before


def _join(into: dict[str, set[str]], more: Mapping[str, set[str]]) -> None:
    for name, values in more.items():
        into.setdefault(name, set()).update(values)

"""All mappings of a project by name: read, checked and compiled once, shared by every route that uses them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from typing import Any

from engine.compile.catalog import Catalog
from engine.compile.digests import content_digest
from engine.compile.expressions import Checker, Doubt
from engine.compile.mapping.check import MappingCheck
from engine.compile.mapping.heads import heads_in
from engine.compile.mapping.mapper import CompiledMapping
from engine.compile.mapping.nodes import Node
from engine.compile.mapping.read import MappingReader
from engine.compile.maps import path_steps
from engine.compile.pieces import Pieces
from engine.compile.report import Place
from engine.compile.scope import Scope
from engine.config.models.resources import MappingDoc
from engine.config.nearest import suggestion
from engine.config.project import Loaded
from engine.config.substitution import is_unset
from engine.expr.shape import UNKNOWN, Shape

ROOT = ("let", "fields", "each", "where", "group", "choose")


class Mappings:
    """Compiled mappings; `get` gives None for one with findings."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._compiled: dict[str, CompiledMapping] = {}
        self._flawed: dict[str, CompiledMapping] = {}
        self._filled: dict[tuple[str, str], CompiledMapping | None] = {}

    def compile_all(self, before: Pieces[CompiledMapping | None]) -> None:
        """Findings of every mapping, used or not. Those that stayed as they were are taken from `before`."""
        for name, loaded in self._catalog.project.mappings.items():
            made = before.piece(self._catalog, name, (loaded,), partial(self._compile, name, loaded))
            if made is not None:
                self._compiled[name] = made

    def _compile(self, name: str, loaded: Loaded[MappingDoc]) -> CompiledMapping | None:
        compiler = _MappingCompiler(self._catalog, name, loaded, self._names)
        made = compiler.compile()
        if compiler.flawed is not None:
            self._flawed[name] = compiler.flawed
        return made

    @cached_property
    def _names(self) -> dict[str, str]:
        """Names that steps give to items of a list (`as`) or add to the data (`into`), each with the file."""
        return {
            name: loaded.document.path
            for loaded in self._catalog.project.routes.values()
            for name in _given_names(loaded.document.data.get("steps"))
        }

    def filled(self, catalog: Catalog, mappings: Mapping[str, Loaded[MappingDoc]]) -> Mappings:
        """These, some with their slots filled. Findings go to the report of `catalog`, once for equal ones."""
        made = Mappings(catalog)
        made._compiled, made._flawed = dict(self._compiled), self._flawed
        made._filled, made._names = self._filled, self._names
        for name, loaded in mappings.items():
            key = (name, content_digest(loaded.document.data))
            if key not in self._filled:
                self._filled[key] = _MappingCompiler(catalog, name, loaded, self._names).compile()
            made._compiled.pop(name, None)
            found = self._filled[key]
            if found is not None:
                made._compiled[name] = found
        return made

    def get(self, name: str) -> CompiledMapping | None:
        return self._compiled.get(name)

    def flawed(self, name: str) -> CompiledMapping | None:
        """One that has findings and does not say what it reads: what else is wrong with it is seen where it is used."""
        return self._flawed.get(name)

    def all(self) -> Mapping[str, CompiledMapping]:
        """By name."""
        return self._compiled


class _MappingCompiler:
    """One mapping. `flawed` is what could be read of one that has findings and no `input`."""

    def __init__(self, catalog: Catalog, name: str, loaded: Loaded[MappingDoc], given: Mapping[str, str]) -> None:
        self._catalog = catalog
        self._given = given
        self._name = name
        self._document = loaded.document
        self._doc = loaded.model
        self._place = Place(catalog.report, loaded.document)
        self._scope = Scope(catalog, any_param=True)
        self._doubts: list[Doubt] = []
        self.flawed: CompiledMapping | None = None

    def compile(self) -> CompiledMapping | None:
        before = self._catalog.report.errors
        output = self._schema(self._place.at("output"), self._doc.output) if self._doc.output else UNKNOWN
        shape = self._input()
        root = self._root()
        made = UNKNOWN
        if root is not None:
            check = MappingCheck(
                Checker(self._scope, self._doubts, self._given), self._scope.known, self._doc.output or "the output"
            )
            made = check.node(root, shape, output)
            self._check_adds_used(root, misread=self._catalog.report.errors > before)
        if root is None or self._catalog.report.errors > before or is_unset(self._document.data):
            self.flawed = self._readable(root)
            return None
        named = (self._doc.input, self._doc.output, *self._doc.adds.values())
        schemas = [self._catalog.schemas.digest(name) for name in named if name and "@" in name]
        return CompiledMapping(
            name=self._name,
            output=self._doc.output or "",
            root=root,
            input=self._doc.input or "",
            adds=dict(self._doc.adds),
            digest=content_digest("mapping", self._document.data, schemas, self._scope.uses.digests),
            tables=frozenset(self._scope.uses.tables),
            params=frozenset(self._scope.read_params),
            made=output if output.known else made,
            doubts=tuple(self._doubts),
        )

    def _readable(self, root: Node | None) -> CompiledMapping | None:
        named = [name for name in (self._doc.output, *self._doc.adds.values()) if name]
        if root is None or self._doc.input or not all(name in self._catalog.schemas.names for name in named):
            return None
        return CompiledMapping(self._name, self._doc.output or "", root, adds=dict(self._doc.adds))

    def _root(self) -> Node | None:
        data: dict[str, Any] = self._document.data
        raw = {key: data[key] for key in ROOT if key in data}
        if "fields" in raw and self._doc.slot:
            raw["fields"] = {**raw["fields"], "slot": self._doc.slot}
        return MappingReader(self._catalog.texts).value(self._place, raw)

    def _input(self) -> Shape:
        shape = self._input_shape()
        for path, schema in self._doc.adds.items():
            place = self._place.at("adds", path)
            added = self._schema(place, schema)
            steps = path_steps(path)
            self._check_added(place, shape, steps)
            shape = shape.with_path(steps, added)
        return shape

    def _check_adds_used(self, root: Node, *, misread: bool) -> None:
        """What the route adds for this mapping is read by it.

        misread   the mapping has errors: where a step gives the name, one that is almost the same is among them
        """
        names = heads_in(root)
        for path in self._doc.adds:
            last = path_steps(path)[-1]
            if last != "[]" and last not in names:
                found = suggestion(last, sorted(names))
                if found and misread and last in self._given:
                    continue
                near = path.removesuffix(last) + found if found else ""
                self._place.at("adds", path).finding(
                    "TF3518",
                    f"nothing here reads `{last}`",
                    key=True,
                    help=f"did you mean `{near}`?" if near else "leave it out",
                    suggestion=near,
                    severity="warning",
                )

    def _check_added(self, place: Place, shape: Shape, steps: list[str]) -> None:
        """Everything before the last name of a path under `adds` is there already."""
        for index, name in enumerate(steps[:-1]):
            if name == "[]":
                shape = shape.item()
                continue
            if not shape.has(name):
                place.unknown(
                    "TF2020", "field", name, shape.fields, key=True, why=f"in `{'.'.join(steps[: index + 1])}`"
                )
                return
            shape = shape.at(name)

    def _input_shape(self) -> Shape:
        name, place = self._doc.input, self._place.at("input")
        if name is None:
            return UNKNOWN
        formats = self._catalog.registry.formats
        if "@" in name:
            return self._schema(place, name)
        if name in formats:
            return self._catalog.format_shape(name)
        if not self._catalog.refused(place, "format", name):
            place.unknown("TF3009", "schema or format", name, [*formats, *self._catalog.schemas.names])
        return UNKNOWN

    def _schema(self, place: Place, name: str) -> Shape:
        if not self._catalog.known(place, "schema", name):
            return UNKNOWN
        return self._catalog.schemas.shape(name)


def _given_names(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and "in" in value and isinstance(value.get("as"), str):
        yield value["as"]
    if isinstance(value, dict) and isinstance(value.get("into"), str):
        yield value["into"].rpartition(".")[2]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in items:
        yield from _given_names(item)

"""Using a mapping at one place of a route: does it fit what flows there?"""

from __future__ import annotations

from dataclasses import replace

from engine.compile.expressions import Checker, Doubt
from engine.compile.flow import Flow
from engine.compile.mapping.check import MappingCheck
from engine.compile.mapping.mapper import CompiledMapping, NoMapping
from engine.compile.report import Place
from engine.compile.scope import Scope
from engine.compile.texts import report
from engine.config.nearest import suggestion
from engine.core.event import split_type
from engine.expr.shape import UNKNOWN
from engine.plugins.build import DocumentMapper


def mapping_at(scope: Scope, place: Place, name: str, flow: Flow) -> DocumentMapper:
    """The mapping named at a place; a stand-in after a finding."""
    catalog = scope.catalog
    if not catalog.known(place, "mapping", name):
        return NoMapping(name)
    mapping = catalog.mappings.get(name)
    if mapping is None:
        scope.uses.unusable = True
        flawed = catalog.mappings.flawed(name)
        if flawed is not None and flow.shape.known:
            _check_here(scope, place, flawed, flow)
        return NoMapping(name)
    scope.uses.digests[f"mapping {name}"] = mapping.digest
    scope.uses.mappers[name] = mapping
    scope.uses.tables |= mapping.tables
    scope.uses.unusable |= any(table not in catalog.tables for table in mapping.tables)
    _check_params(scope, place, mapping)
    for doubt in mapping.doubts:
        if doubt.about not in flow.sure:
            report(doubt.place, doubt.error)
    fits(scope, place, mapping, flow)
    if not mapping.input and flow.shape.known:
        _check_here(scope, place, mapping, flow)
    return mapping


def _check_here(scope: Scope, place: Place, mapping: CompiledMapping, flow: Flow) -> None:
    """A mapping that does not say what it reads is checked against what comes to it, wherever it is used."""
    told = mapping.root.place.report  # of the mapping, which under overlays is not the one of this place
    said = told.count
    shape = flow.shape
    for path, schema in mapping.adds.items():
        shape = shape.with_path(path_steps(path), scope.catalog.schemas.shape(schema))
    output = scope.catalog.schemas.shape(mapping.output) if mapping.output else UNKNOWN
    doubts: list[Doubt] = []
    checker = Checker(replace(scope, any_param=True), doubts)
    MappingCheck(checker, scope.known, mapping.output or "the output").node(mapping.root, shape, output)
    for doubt in doubts:
        if doubt.about not in flow.sure:
            report(doubt.place, doubt.error)
    told.used_by(scope.route, place.mark, said)


def _check_params(scope: Scope, place: Place, mapping: CompiledMapping) -> None:
    scope.read_params.update(mapping.params)
    for name in mapping.params:
        if name not in scope.params:
            why = f"mapping `{mapping.name}` reads it"
            place.unknown("TF1052", "parameter", name, scope.params, why=why)


def fits(scope: Scope, place: Place, mapping: CompiledMapping, flow: Flow) -> None:
    """A finding when the mapping was written for other documents than the ones that come here."""
    if mapping.input and flow.schemas is not None:
        for schema in sorted(flow.schemas):
            if schema and not compatible(scope, schema, mapping.input):
                advice = f"it was written for {mapping.input}"
                place.finding(
                    "TF3506", f"a document of {schema} comes here, which `{mapping.name}` cannot take", help=advice
                )
                return
    for path, schema in mapping.adds.items():
        _check_added(scope, place, mapping, path, schema, flow)


def compatible(scope: Scope, schema: str, wanted: str) -> bool:
    """True when who reads `wanted` can read documents of `schema`."""
    if schema == wanted:
        return True
    name, version = split_type(schema)
    other, oldest = split_type(wanted)
    type_ = scope.catalog.types.get(schema)
    return name == other and type_ is not None and 0 < type_.compatible_with <= oldest <= version


def _check_added(scope: Scope, place: Place, mapping: CompiledMapping, path: str, schema: str, flow: Flow) -> None:
    steps = path_steps(path)
    shape = flow.shape
    for index, name in enumerate(steps):
        if name == "[]":
            shape = shape.item()
            continue
        if shape.kinds and "object" in shape.kinds and name not in shape.fields and not shape.open:
            shown = ".".join(steps[: index + 1]).replace(".[]", "[]")
            text = f"`{mapping.name}` needs `{shown}` ({schema}), and no step before has added it"
            place.finding("TF3506", text, help="add it with `enrich` before")
            _misnamed(scope, name, mapping)
            return
        shape = shape.at(name)


def _misnamed(scope: Scope, name: str, mapping: CompiledMapping) -> None:
    """A step that adds something under a similar name is where it went wrong."""
    near = suggestion(name, scope.uses.added)
    if near and near != name:
        text = f"this adds `{near}`; `{mapping.name}` needs `{name}`"
        scope.uses.added[near].finding("TF3506", text, help=f"did you mean `{name}`?", suggestion=name)


def path_steps(path: str) -> list[str]:
    """`lines[].product` -> lines, [], product."""
    steps: list[str] = []
    for piece in path.split("."):
        name = piece.rstrip("[]")
        steps.append(name)
        steps += ["[]"] * (len(piece[len(name) :]) // 2)
    return steps

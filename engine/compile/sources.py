"""Sources: a subscription to an event type, or a connector's source with a format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from engine.compile.bind import bind
from engine.compile.build import Builder
from engine.compile.calls import component
from engine.compile.digests import content_digest
from engine.compile.flow import Flow
from engine.compile.plan import EventType, PlannedSource
from engine.compile.report import Place
from engine.compile.scope import Scope
from engine.compile.types import known_type
from engine.config.models.route import FromDoc, RouteDoc
from engine.config.modelwalk import keys_of
from engine.config.substitution import with_params
from engine.expr.shape import UNKNOWN, Shape
from engine.plugins.contracts import Format
from engine.plugins.spec import ComponentSpec

_ALSO_CALLED = {"jsonl": "ndjson", "jsonlines": "ndjson", "json-lines": "ndjson", "tsv": "csv"}
_LEAVE_IT = ("validate", "filter", "check", "enrich", "set", "throttle", "wire_tap")  # more may come, nothing moves
OWN_KEYS = tuple(info.alias or name for name, info in FromDoc.model_fields.items())


def plan_source(scope: Scope, place: Place, doc: RouteDoc) -> tuple[PlannedSource | None, Flow]:
    """The source (None after findings) and what is known of the data it brings."""
    accepts = None
    if doc.accepts is not None:
        accepts = known_type(scope.catalog, place.at("accepts"), doc.accepts, scope.catalog.types)
        scope.uses.unusable |= accepts is None  # also where its file cannot be read, which is told there
    if doc.from_.event is not None:
        return _subscription(scope, place, doc, doc.from_.event)
    source, shape = _connector_source(scope, place.at("from"), doc.from_, accepts)
    if doc.accepts is not None:
        if not scope.catalog.project.exists("schema", doc.accepts):
            return source, Flow()  # told once, where it is written
        _check_accepted(scope, place.at("accepts"), doc.accepts, shape)
        return source, Flow(scope.catalog.schemas.shape(doc.accepts), frozenset({doc.accepts}))
    if source is not None:
        _check_keyed(scope, place, doc)
        source = replace(source, found_by=tuple(_found_by(scope.catalog.types, doc)))
    return source, Flow(shape, frozenset({""}))


def _check_accepted(scope: Scope, place: Place, name: str, record: Shape) -> None:
    """A finding where no record of the format can have what the type requires: each of them would be refused."""
    if record.kinds != {"object"} or record.open:
        return
    wanted = scope.catalog.schemas.shape(name).fields.items()
    missing = [field for field, shape in wanted if not (shape.maybe or shape.defaulted or record.has(field))]
    if missing:
        told = ", ".join(f"`{field}`" for field in missing)
        text = f"{name} requires {told}, and the records of this format have only {', '.join(record.fields)}"
        advice = "take them in without `accepts`, and make such a document with a `map`; or change the format's options"
        place.finding("TF4025", text, help=advice)


def _check_keyed(scope: Scope, place: Place, doc: RouteDoc) -> None:
    """Without a type a record is known by its file's content and its place in it: in another file it is a new one.

    A type that the route publishes keys the events again; what goes to a system directly is keyed by nothing else.
    """
    spec = scope.catalog.registry.sources.get(doc.from_.use or "")
    if not scope.financial or spec is None or getattr(spec.target, "own_ids", False):
        return
    direct = [sink.id for sink in doc.to if sink.use is not None]
    if direct:
        place.at("from", "use").finding(
            "TF4024",
            f"nothing keys what comes in: a record that comes again in another file goes to `{direct[0]}` again",
            help="write `accepts: <type>@<n>` with a schema that has `x-tillflow: {key: [..]}`",
            severity="warning",
        )


def _found_by(types: Mapping[str, EventType], doc: RouteDoc) -> Iterator[EventType]:
    """Types that the first steps validate the records against, as long as these are what the source brought."""
    for step in doc.steps:
        if step.type not in _LEAVE_IT:
            return
        if step.type == "validate" and isinstance(step.body, str) and step.body in types:
            yield types[step.body]


def _subscription(scope: Scope, place: Place, doc: RouteDoc, event: str) -> tuple[PlannedSource | None, Flow]:
    if doc.accepts is not None and doc.accepts != event:
        advice = "a subscription brings events of its own type"
        place.at("accepts").finding(
            "TF4021", "`accepts` has no meaning beside `from: {event: ..}`", key=True, help=advice
        )
    type_ = known_type(scope.catalog, place.at("from", "event"), event, scope.catalog.types)
    if type_ is None:
        return None, Flow()
    _uses_type(scope, type_)
    return PlannedSource(event=event, accepts=type_), Flow(scope.catalog.schemas.shape(event), frozenset({event}))


def _connector_source(
    scope: Scope, place: Place, doc: FromDoc, accepts: EventType | None
) -> tuple[PlannedSource | None, Shape]:
    use = doc.use or ""
    spec = component(scope, place, "source", use, doc.connection or "")
    if accepts is not None:
        _uses_type(scope, accepts)
    options = place.filled(doc.options, scope.params)
    options = scope.catalog.secrets_filled(place, options)
    config = None
    if spec is not None:
        scope.uses.digests[f"source {use}"] = scope.catalog.registry.version("source", use)
        scope.uses.digests["from"] = content_digest(options)
        above = keys_of(RouteDoc)
        what = f"a source of {use}"
        config = bind(place, spec.config, options, Builder(scope, place), also=OWN_KEYS, above=above, what=what)
    name, format_config, shape = _format(scope, place, doc.format, spec)
    if spec is None or config is None or name is None:
        return None, shape
    source = PlannedSource(
        use=use,
        connection=doc.connection or "",
        config=config,
        format=name,
        format_config=format_config,
        accepts=accepts,
    )
    return source, shape


def _format(scope: Scope, place: Place, raw: Any, source: ComponentSpec | None) -> tuple[str | None, Any, Shape]:
    """Name, Config and record shape of the format; name None after a finding."""
    at = place.at("format")
    if raw is None:
        name = getattr(source.target, "default_format", "") if source is not None else ""
        if not name:
            if source is not None:
                place.at("use").finding(
                    "TF4017",
                    f"{source.name} brings bytes and needs a `format`",
                    help="add `format: xml`, csv, json, ...",
                )
            return None, None, UNKNOWN
        raw = name
    name, options = _named(raw)
    if name is None:
        at.finding(
            "TF1103",
            "a format is a name, or one name with options",
            help="format: csv, or format: {csv: {separator: ;}}",
        )
        return None, None, UNKNOWN
    at = at.at(name) if isinstance(raw, Mapping) else at
    spec = scope.catalog.registry.formats.get(name)
    if spec is None:
        if not scope.catalog.refused(at, "format", name):
            _unknown_format(scope, at, name, key=isinstance(raw, Mapping))
        return None, None, UNKNOWN
    scope.uses.digests[f"format {name}"] = scope.catalog.registry.version("format", name)
    filled, _ = with_params(options, scope.params, place.document, at.path)
    config = bind(at, spec.config, filled, Builder(scope, at), what=f"format {name}") if spec.config else None
    if config is None and spec.config is not None:
        return None, None, UNKNOWN
    return name, config, _record_shape(scope, spec, config)


def _unknown_format(scope: Scope, at: Place, name: str, *, key: bool) -> None:
    meant = _ALSO_CALLED.get(name.lower(), "")
    if meant in scope.catalog.registry.formats:
        text, advice = f"there is no format `{name}`", f"here it is called `{meant}`"
        at.finding("TF3009", text, key=key, help=advice, suggestion=meant, length=len(name))
        return
    at.unknown("TF3009", "format", name, scope.catalog.registry.formats, key=key)


def _named(raw: Any) -> tuple[str | None, Any]:
    if isinstance(raw, str):
        return raw, {}
    if isinstance(raw, Mapping) and len(raw) == 1:
        name, options = next(iter(raw.items()))
        return str(name), options if options is not None else {}
    return None, {}


def _record_shape(scope: Scope, spec: ComponentSpec, config: Any) -> Shape:
    made: Format = spec.target(config)
    return scope.catalog.record_shape(made.schema())


def _uses_type(scope: Scope, type_: EventType) -> None:
    catalog = scope.catalog
    scope.uses.digests[f"schema {type_.schema}"] = catalog.schemas.digest(type_.schema)
    scope.uses.unusable |= catalog.schemas.raw(type_.schema) is None

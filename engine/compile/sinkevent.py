"""A sink that publishes events: what comes here has to be able to pass the schema of the type."""

from __future__ import annotations

from engine.compile.flow import Flow
from engine.compile.maps import compatible
from engine.compile.plan import EventType
from engine.compile.report import Place
from engine.compile.scope import Scope
from engine.plugins.build import DocumentMapper


def check_fits(scope: Scope, place: Place, flow: Flow, type_: EventType, mapper: DocumentMapper | None) -> None:
    """A finding when what is published can never pass the schema of its type."""
    if mapper is not None:
        if mapper.output and mapper.output != type_.schema and not compatible(scope, mapper.output, type_.schema):
            text = f"`{mapper.name}` makes {mapper.output}, this publishes {type_.schema}"
            place.at("map").finding("TF4018", text, help=f"use a mapping whose output is {type_.schema}")
        return
    wanted, shape = scope.catalog.schemas.shape(type_.schema), flow.shape
    if flow.schema == type_.schema or not shape.kinds or not wanted.fields:
        return
    closed = (scope.catalog.schemas.raw(type_.schema) or {}).get("additionalProperties") is False
    missing = [n for n, s in wanted.fields.items() if not (s.maybe or s.defaulted) and not shape.has(n)]
    extra = [n for n, s in shape.fields.items() if closed and not (s.maybe or s.defaulted) and not wanted.has(n)]
    if missing or extra:
        wrong = f"has no `{missing[0]}`" if missing else f"has `{extra[0]}`, which that type does not know"
        text = f"what comes here ({flow.schema or 'without a schema'}) {wrong}: it is not a {type_.schema}"
        place.at("event").finding("TF4018", text, help="add `map:` with a mapping that makes it")

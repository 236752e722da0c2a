"""Whether everything a Plan reaches stands in the zone that the data of a country must not leave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.compile.catalog import Catalog
from engine.compile.plan import Plan
from engine.compile.report import Path, Place
from engine.config.regions.packs import Pack
from engine.config.regions.working import DISABLED, Effective


def check_residency(catalog: Catalog, effective: Effective, plan: Plan, pack: Pack) -> None:
    """A finding for each system the Plan writes to or asks that stands elsewhere, or of which nobody says where."""
    known = catalog.connections
    outside = {name for name in _reached(plan) if name in known and known[name].zone != pack.residency}
    if not outside:
        return
    document = effective.route.document
    named = dict(_named(document.data))
    for name in sorted(outside):
        zone = known[name].zone
        place = Place(catalog.report, document, named.get(name, ("route",)))
        stands = f"stands in `{zone}`" if zone else "does not say its zone"
        text = f"`{name}` {stands}; data of `{pack.code}` must not leave `{pack.residency}`"
        advice = f"connect the sink to a connection with `zone: {pack.residency}` in an overlay of `{pack.code}`"
        also = (pack.loaded.document.marks.key(("residency",)),)
        place.finding("TF6020", text, help=advice, also=also)


def _reached(plan: Plan) -> set[str]:
    own = {plan.source.connection}
    sinks = {sink.call.connection for sink in plan.sinks if sink.call is not None and not sink.disabled}
    return sinks | (set(plan.connections) - own)


def _named(value: Any, path: Path = ()) -> Iterator[tuple[str, Path]]:
    """Where each connection is named, but for the source's and those of sinks that are never selected."""
    if isinstance(value, dict):
        if DISABLED in value:
            return
        if isinstance(value.get("connection"), str) and path[:1] != ("from",):
            yield value["connection"], (*path, "connection")
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _named(item, (*path, key))

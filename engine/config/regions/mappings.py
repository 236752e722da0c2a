"""Slots of mappings: fields that overlays add to those of the base."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.config.nodes import Path
from engine.config.regions.packs import Overlay
from engine.config.regions.pieces import Piece
from engine.config.regions.targets import no_such
from engine.core.findings import Finding


def filled_mapping(
    whole: Piece, overlay: Overlay, name: str, slots: Mapping[str, Mapping[str, Any]]
) -> tuple[Piece, list[Finding]]:
    """A mapping's document with fields in its slots."""
    findings: list[Finding] = []
    for slot, fields in slots.items():
        known = dict(slots_in(whole.value))
        place: Path = ("fill_mapping", name, slot)
        if slot not in known:
            findings.append(no_such(overlay, place, f"slot in `{name}` called", slot, list(known), key=True))
            continue
        for field in fields:
            at = (*known[slot], field)
            there = whole.at(known[slot]).opened().inner
            if isinstance(there, dict) and field in there:
                mark = overlay.document.marks.key((*place, field))
                text = f"`{name}` has a field `{field}` already"
                advice = "a slot adds fields; choose another name"
                findings.append(Finding("TF6017", text, mark, advice, also=(there[field].mark,)))
                continue
            whole = whole.put(at, Piece(overlay.document, (*place, field)))
    return whole, findings


def slots_in(data: Any, path: Path = ()) -> Iterator[tuple[str, Path]]:
    """Slots of a mapping by name, with the path of the fields they stand among."""
    if isinstance(data, dict):
        if not path and isinstance(data.get("slot"), str) and isinstance(data.get("fields"), dict):
            yield data["slot"], ("fields",)
        elif path and isinstance(data.get("slot"), str):
            yield data["slot"], path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, item in items:
        if isinstance(item, dict | list):
            yield from slots_in(item, (*path, key))

"""Countries that events are known to have and that no pack is for."""

from __future__ import annotations

import csv
import io

from engine.compile.catalog import Catalog
from engine.compile.report import Place, Report
from engine.config.regions.packs import packs_of
from engine.core.findings import Finding
from engine.expr import nodes

MOST_NAMED = 12  # countries told in one finding


def check_countries(catalog: Catalog) -> None:
    """A warning where the country is found in a table and rows of it name one without a pack.

    From the first pack on, its events become work items. What else an event may say is not known before it comes.
    """
    packs = packs_of(catalog.project)
    table, column = _looked_up(catalog)
    planned = catalog.tables.get(table)
    if not packs or planned is None or not planned.file:
        return
    covered = {pack.wants.get("country", "") for pack in packs if pack.layer == "country"}
    open_ = sorted(_values(catalog.project.files[planned.file], column) - covered)
    if not open_:
        return
    told = ", ".join(open_[:MOST_NAMED]) + (" .." if len(open_) > MOST_NAMED else "")
    first = packs[0].loaded.document
    text = f"events of {told} become work items `unknown-scope`: there is no pack for them"
    advice = f"{planned.file} names them: lay a pack for each (pack.yaml alone is enough)"
    catalog.report.add(Finding("TF6025", text, first.marks.key(("for",)), advice, severity="warning"))


def _looked_up(catalog: Catalog) -> tuple[str, str]:
    """Table and column that the country of an event is; empty where it is anything else."""
    scopes = catalog.project.scopes
    if scopes is None or scopes.model.scopes.country is None:
        return "", ""
    place = Place(Report(), scopes.document, ("scopes", "country"))
    expr = catalog.texts.expression(place, scopes.model.scopes.country)
    match expr.tree if expr is not None else None:
        case nodes.Chain(
            parts=(
                nodes.Call(name="lookup" | "find", args=[nodes.Literal(value=str(table)), *_]),
                nodes.Field(name=column),
            )
        ):
            return table, column
    return "", ""


def _values(content: bytes, column: str) -> set[str]:
    """What a column holds; nothing where the file cannot be read, which is told where it is read."""
    text = content.decode("utf-8-sig", "replace")
    try:
        return {row[column] for row in csv.DictReader(io.StringIO(text, newline="")) if row.get(column)}
    except csv.Error:
        return set()

"""Reference tables: their CSV headers against key, dates and schema, then their rows as the engine reads them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from engine.compile.catalog import Catalog
from engine.compile.digests import content_digest
from engine.compile.plan import PlannedTable
from engine.compile.report import Place
from engine.compile.tablefile import problems_in
from engine.config.layout import beside
from engine.config.models.resources import TableDoc
from engine.config.nearest import did_you_mean, nearest
from engine.core.findings import Finding, Mark
from engine.expr.shape import Shape

MOST_LINES = 20  # findings of one file: one wrong separator would make one of every line


def plan_tables(catalog: Catalog) -> dict[str, PlannedTable]:
    """Every table that has no finding. `file` is a path of the project."""
    loaded = catalog.project.tables
    if loaded is None:
        return {}
    planned: dict[str, PlannedTable] = {}
    for name, doc in loaded.model.tables.items():
        place = Place(catalog.report, loaded.document, ("tables", name))
        made = _plan(catalog, place, name, doc)
        if made is not None:
            planned[name] = made
    return planned


def _plan(catalog: Catalog, place: Place, name: str, doc: TableDoc) -> PlannedTable | None:
    if doc.schema_ and not catalog.known(place.at("schema"), "schema", doc.schema_):
        return None
    file = beside(place.document.path, doc.csv) if doc.csv else ""
    before = catalog.report.errors
    effective = doc.effective
    since, until = (effective.since or "", effective.until or "") if effective else ("", "")
    if file:
        header = _header(catalog, place.at("csv"), file)
        if header is None:
            return None
        _check_columns(place, doc, header)
        _check_schema(catalog, place, doc, file, header)
    elif doc.schema_:
        _check_key(catalog, place, doc)
    validator = catalog.schemas.validator(doc.schema_) if doc.schema_ else None
    schema = catalog.schemas.digest(doc.schema_) if doc.schema_ else ""
    version = content_digest("table", file, list(doc.key_columns), since, until, schema)
    planned = PlannedTable(name, file or "", doc.key_columns, validator, since, until, version)
    if file and catalog.report.errors == before:
        _check_rows(catalog, planned)
    return planned


def _check_rows(catalog: Catalog, planned: PlannedTable) -> None:
    """The engine takes a table as a whole or not at all, so a wrong line is a finding."""
    content = catalog.project.files[planned.file]
    problems = problems_in(planned, content, MOST_LINES)
    lines = content.split(b"\n") if problems else []
    for problem in problems:
        written = lines[problem.line - 1].decode("utf-8", "replace") if problem.line <= len(lines) else ""
        mark = Mark(planned.file, problem.line, 1, max(2, len(written.rstrip("\r")) + 1))
        text = f"table `{planned.name}` cannot be used: {problem.detail}"
        catalog.report.add(Finding("TF3524", text, mark, "correct the line; the engine would refuse the whole table"))


def _header(catalog: Catalog, place: Place, file: str) -> list[str] | None:
    """Column names of a CSV file; None after a finding (a missing file has one already)."""
    content = catalog.project.files.get(file)
    if content is None:
        return None
    try:
        first = content.split(b"\n", 1)[0].decode("utf-8-sig").strip("\r")
    except UnicodeDecodeError:
        place.finding("TF3523", f"the first line of {file} is not UTF-8 text", help="save the file as UTF-8")
        return None
    header = next(csv.reader([first]), [])
    twice = next((column for column, count in Counter(header).items() if count > 1), None)
    if not header or twice is not None or not all(header):
        wrong = f"names the column `{twice}` twice" if twice else "does not name every column"
        place.finding("TF3523", f"the first line of {file} {wrong}", help="name each column once, separated by commas")
        return None
    return header


def _check_columns(place: Place, doc: TableDoc, header: Sequence[str]) -> None:
    many = isinstance(doc.key, list)
    for index, column in enumerate(doc.key_columns):
        if column not in header:
            at = place.at("key", index) if many else place.at("key")
            at.unknown("TF3521", "column", column, header)
    for word in ("since", "until"):
        dated: str | None = getattr(doc.effective, word) if doc.effective else None
        if dated and dated not in header:
            place.at("effective", word).unknown("TF3521", "column", dated, header)


def _check_schema(catalog: Catalog, place: Place, doc: TableDoc, file: str, header: Sequence[str]) -> None:
    schema = catalog.schemas.raw(doc.schema_) if doc.schema_ else None
    if schema is None:
        return
    dates = {doc.effective.since, doc.effective.until} if doc.effective else set()
    properties = schema.get("properties", {})
    told: set[str] = set()
    for column in header:
        if column not in properties and column not in dates and schema.get("additionalProperties") is False:
            told.add(_unknown_column(place, file, header, column, doc.schema_ or "", properties))
    for name in schema.get("required", ()):
        if name not in header and name not in told:
            text = f"column for the required property of {doc.schema_}"
            place.at("schema").unknown("TF3522", text, name, header)


def _unknown_column(
    place: Place, file: str, header: Sequence[str], column: str, schema: str, properties: Mapping[str, Any]
) -> str:
    """A column the schema does not have, told at the file's first line. Answers what it should be called."""
    start = sum(len(other) + 1 for other in header[: header.index(column)]) + 1
    near = nearest(column, [name for name in properties if name not in header]) or nearest(column, properties)
    advice = did_you_mean(near) or f"columns: {', '.join(properties)}"
    mark = Mark(file, 1, start, start + len(column))
    text = f"{schema} has no property for the column `{column}`"
    place.report.add(Finding("TF3522", text, mark, advice, near[0] if near else ""))
    return near[0] if near else ""


def _check_key(catalog: Catalog, place: Place, doc: TableDoc) -> None:
    """A table that a sink keeps has the columns of its schema."""
    schema = catalog.schemas.raw(doc.schema_) if doc.schema_ else None
    for column in doc.key_columns:
        if schema is not None and column not in schema.get("properties", {}):
            place.at("key").unknown("TF3521", f"property of {doc.schema_}", column, schema.get("properties", {}))


def row_shapes(catalog: Catalog) -> dict[str, Shape]:
    """What is known of the rows of each table: from its schema, else from the header of its file (then all text)."""
    loaded = catalog.project.tables
    if loaded is None:
        return {}
    shapes: dict[str, Shape] = {}
    for name, doc in loaded.model.tables.items():
        file = beside(loaded.document.path, doc.csv) if doc.csv else ""
        if doc.schema_:
            shapes[name] = catalog.schemas.shape(doc.schema_)
        elif file and (columns := _columns(catalog.project.files.get(file, b""))):
            shapes[name] = Shape.of_object(dict.fromkeys(columns, Shape.of("text")))
    return shapes


def _columns(content: bytes) -> list[str]:
    first = content.split(b"\n", 1)[0].decode("utf-8-sig", "replace").strip("\r")
    return next(csv.reader([first]), [])

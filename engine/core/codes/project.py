"""TF90xx: the files of a project."""

from __future__ import annotations

from engine.core.findings import Code

_LAYOUT = (
    "routes/<route>.yaml  routes/<route>.test.yaml  routes/connections.yaml  routes/tables.yaml  routes/scopes.yaml\n"
    "routes/cases/*  routes/regions/<code>/{pack.yaml, *.overlay.yaml, cases/*}\n"
    "mappings/<name>.yaml  mappings/schemas/<type>@<n>.yaml  mappings/templates/*.j2  mappings/tables/*.csv"
)

CODES: tuple[Code, ...] = (
    Code(
        "TF9001",
        "This is no project",
        "A project is a folder with routes/ and mappings/ in it.",
        "tillflow validate --project /tmp",
        "tillflow init shop && tillflow validate --project shop",
    ),
    Code(
        "TF9002",
        "A file is named otherwise than what it describes",
        "References use the declared name, people look for the file: with two names one of them is lost.",
        "routes/sales.yaml with `route: sales-posting`",
        "routes/sales-posting.yaml with `route: sales-posting`",
    ),
    Code(
        "TF9003",
        "A file nobody reads",
        "A file at a place or with an ending that means nothing is not loaded, and whoever wrote it believes it is.",
        "routes/sales.yml",
        _LAYOUT,
    ),
    Code(
        "TF9004",
        "A link that leads out of the project",
        "Files outside of the project are not part of a revision, and a link may lead to what nobody meant to publish.",
        "routes/sales.yaml -> /etc/passwd",
        "routes/sales.yaml, a file",
    ),
    Code(
        "TF9005",
        "A file cannot be read",
        "What cannot be read cannot be checked; the message is the operating system's.",
        "routes/sales.yaml without permission to read",
        "chmod u+r routes/sales.yaml",
    ),
    Code(
        "TF9006",
        "Two files describe the same name",
        "A name stands for one route, mapping or schema; which of two would run could depend on the order of files.",
        "routes/sales.yaml and routes/regions/es/sales.yaml, both `route: sales`",
        "routes/sales.yaml and routes/regions/es/es-sales.yaml",
    ),
    Code(
        "TF9008",
        "A file stands at the wrong place",
        "The place of a file says what it is; this one describes something else.",
        "routes/sale-to-journal.yaml with `mapping: sale-to-journal`",
        "mappings/sale-to-journal.yaml with `mapping: sale-to-journal`",
    ),
    Code(
        "TF9009",
        "A project without routes",
        "Without a route nothing runs.",
        "routes/connections.yaml only",
        "routes/connections.yaml and routes/sales-posting.yaml",
    ),
    Code(
        "TF9010",
        "A file that is not there",
        "The path is taken from the folder of the file it is written in.",
        "tables:\n  stores: {csv: ../mappings/tables/store.csv, key: id}",
        "tables:\n  stores: {csv: ../mappings/tables/stores.csv, key: id}",
    ),
    Code(
        "TF9011",
        "A path that leads elsewhere",
        "Only files of the project are read, tables only from mappings/tables/.",
        "tables:\n  stores: {csv: /srv/stores.csv, key: id}",
        "tables:\n  stores: {csv: ../mappings/tables/stores.csv, key: id}",
    ),
)

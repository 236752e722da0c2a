"""Configuration of `core.sql`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from engine.sdk import Duration, Options, SecretText, problem

DAY = 86400.0  # seconds
SHORTEST = 400 * DAY  # what the ledger remembers if a route does not say otherwise
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
PARAMETER = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")


class SqlConfig(Options):
    """A connection: one database."""

    url: str = Field(
        min_length=1,
        description="`postgresql://user@host:port/database`, or `sqlite:///path` (`sqlite:////absolute/path`).",
        examples=["postgresql://shop@db.example.com/shop", "sqlite:///data/ledger.db"],
    )
    password: SecretText | None = Field(None, description="Password of the user of a PostgreSQL database.")
    ssl: bool = Field(False, description="Talk to PostgreSQL by TLS, with its certificate checked.")
    applied_table: str = Field(
        "tillflow_applied", description="Table that remembers which deliveries were applied, beside yours."
    )
    create: bool = Field(True, description="Make that table when it is missing.")
    applied_keep: Duration = Field(
        800 * DAY,
        description="How long that table remembers a delivery. Longer than the `keep` of every route that writes here: "
        "a delivery that is repeated after it would be written again.",
        examples=["800d"],
    )
    pool: int = Field(4, ge=1, le=100, description="Most connections to a PostgreSQL database.")
    queries: dict[str, str] = Field(
        default_factory=dict,
        description="Queries a `lookup` may ask by name; `:name` are their parameters, always bound.",
        examples=[{"stock": "select on_hand from stock where store = :store and sku = :sku"}],
    )

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("postgresql", "postgres") and not re.match(r"sqlite:///.", url):
            hint = "write postgresql://user@host/database or sqlite:///path"
            raise problem("TF5020", "this is not the address of a database", hint)
        if parts.password:
            raise problem("TF5021", "the password stands in `url`", "take it out; write password: ${secret.<name>}")
        return url

    @field_validator("applied_table")
    @classmethod
    def _table(cls, name: str) -> str:
        if not IDENTIFIER.fullmatch(name):
            raise problem("TF5022", f"`{name}` is not the name of a table", "letters, digits and _")
        return name

    @field_validator("applied_keep")
    @classmethod
    def _longer(cls, seconds: float) -> float:
        if seconds <= SHORTEST:
            hint = "leave it out, or write more days than the longest `keep` of the routes that write here"
            raise problem("TF5024", f"{seconds / DAY:g} days are not longer than the 400 days of the ledger", hint)
        return seconds

    @field_validator("queries")
    @classmethod
    def _reading(cls, queries: dict[str, str]) -> dict[str, str]:
        for name, query in queries.items():
            if not re.match(r"\s*(select|with)\b", query, re.IGNORECASE):
                raise problem("TF5023", f"the query `{name}` does not only read", "a query begins with select or with")
        return queries

    @property
    def path(self) -> str:
        """Path of a SQLite database; empty for PostgreSQL."""
        return self.url.removeprefix("sqlite:///") if self.url.startswith("sqlite:///") else ""


class Child(Options):
    """Rows inside a row that go into a table of their own."""

    table: str = Field(description="Table of the rows. It has to be there.")
    link: dict[str, str] = Field(
        default_factory=dict, description="Column of the child -> column of the parent it takes its value from."
    )
    number: str = Field("", description="Column that counts the rows of one parent from 1.")


class InsertRequest(Options):
    """What `insert` needs."""

    table: str = Field(
        description="The table, optionally with its schema. It has to be there.",
        examples=["journal_entries", "finance.entries"],
    )
    row: Any = Field(description="One row or a list of rows: {column: value}.")
    children: dict[str, Child] = Field(
        default_factory=dict,
        description="Fields of the row that hold rows of other tables, written in the same transaction.",
        examples=[{"lines": {"table": "journal_lines", "link": {"entry": "reference"}, "number": "line_no"}}],
    )


class UpsertRequest(InsertRequest):
    """What `upsert` needs."""

    key: list[str] = Field(
        min_length=1, description="Columns that tell whether the row is there already; they have a unique index."
    )
    newer_by: str = Field(
        "", description="Column by which an older row does not replace a newer one.", examples=["version"]
    )


class LookupRequest(Options):
    """What `lookup` needs."""

    query: str = Field(description="Name of one of the connection's queries.")
    params: dict[str, Any] = Field(
        default_factory=dict, description="Values of its parameters.", examples=[{"sku": "SKU-1001"}]
    )

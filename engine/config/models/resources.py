"""Skeletons of connections, tables and mappings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.config.models.base import (
    KEBAB,
    DurationText,
    ExpressionText,
    Name,
    OpenSkeleton,
    RateText,
    Raw,
    Skeleton,
    TypeName,
    Word,
    keys_named,
    problem,
)


class BreakerDoc(Skeleton):
    """When a connection stops asking a system that fails, and how often it looks again."""

    failures: Annotated[
        int, Field(ge=1, description="So many failures open it, unless more requests succeeded between them.")
    ] = 5
    within: Annotated[DurationText, Field(description="In this time.")] = "2m"
    probe_every: Annotated[
        DurationText, Field(description="How often one request looks whether the system is back.")
    ] = "10s"


class LimitsDoc(Skeleton):
    """What a system can bear."""

    rate: Annotated[RateText, Field(description="Most requests in a time: 50/s.")] = None
    concurrency: Annotated[int | None, Field(ge=1, le=10_000, description="Most requests at a time.")] = None
    timeout: Annotated[DurationText, Field(description="How long one request may take.")] = None
    breaker: Annotated[BreakerDoc | None, Field(description="When a system that fails is left alone.")] = None


class ConnectionDoc(OpenSkeleton):
    """A configured connector instance. The connector's own keys are in `options`."""

    connector: Annotated[Word, Field(description="The connector: core.files, core.http, ...")]
    like: Annotated[Name | None, Field(description="Take limits and zone from this connection.")] = None
    zone: Annotated[Word | None, Field(description="Where the system stands: eu, us, ...")] = None
    summary: Word | None = None
    limits: Annotated[LimitsDoc | None, Field(description="What the system can bear.")] = None


class ConnectionsDoc(Skeleton):
    """routes/connections.yaml."""

    tillflow: Literal[1]
    connections: Annotated[dict[str, ConnectionDoc], keys_named(KEBAB, "a connection")]


class EffectiveColumns(Skeleton):
    """Columns that hold the first and last day a row is valid."""

    since: Word | None = None
    until: Word | None = None


class TableDoc(Skeleton):
    """A reference table, read from a CSV file or kept by a `table:` sink (then without `csv`)."""

    csv: Annotated[
        Word | None, Field(description="The file, relative to routes/; without it a sink with `table:` keeps the rows.")
    ] = None
    key: Annotated[Raw, Field(description="The column, or the list of columns, that identifies a row.")]
    schema_: Annotated[TypeName | None, Field(alias="schema", description="Schema every row must keep.")] = None
    effective: Annotated[
        EffectiveColumns | None, Field(description="Columns with the first and last day a row is valid.")
    ] = None
    summary: Word | None = None

    @model_validator(mode="after")
    def _key_columns(self) -> TableDoc:
        columns = self.key if isinstance(self.key, list) else [self.key]
        if not columns or not all(isinstance(column, str) and column for column in columns):
            raise problem("TF1123", "a key is a column or a list of columns", "write key: id", path=("key",))
        return self

    @property
    def key_columns(self) -> tuple[str, ...]:
        return tuple(self.key) if isinstance(self.key, list) else (self.key,)


class TablesDoc(Skeleton):
    """routes/tables.yaml."""

    tillflow: Literal[1]
    tables: Annotated[dict[str, TableDoc], keys_named(KEBAB, "a table")]


class MappingDoc(Skeleton):
    """A mapping: turns one document into another. Its root is made of `fields`, or of `each`, `group` or `choose`."""

    tillflow: Literal[1]
    mapping: Name
    summary: Word | None = None
    owner: Word | None = None
    input: Annotated[Word | None, Field(description="Schema or format of what goes in.")] = None
    adds: Annotated[dict[str, TypeName], Field(description="What the route has added to the input, by path.")] = Field(
        default_factory=dict
    )
    output: Annotated[TypeName | None, Field(description="Schema of what comes out.")] = None
    let: Annotated[dict[str, Raw] | None, Field(description="Names for results that are used more than once.")] = None
    fields: dict[str, Raw] | None = None
    each: Raw = None
    where: ExpressionText = None
    group: Raw = None
    choose: Raw = None
    slot: Name | None = None

    @model_validator(mode="after")
    def _gives_something(self) -> MappingDoc:
        if all(getattr(self, name) is None for name in ("fields", "each", "group", "choose")):
            raise problem("TF1102", "this mapping gives nothing", "add `fields:`", path=("mapping",), key=True)
        return self

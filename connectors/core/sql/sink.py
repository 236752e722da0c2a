"""Sink `core.sql`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from connectors.core.requests import read_request
from connectors.core.sql.config import InsertRequest, UpsertRequest
from connectors.core.sql.connection import SqlConnection
from connectors.core.sql.statements import Work, work_of
from engine.sdk import Action, ConnectorContext, Failure, Sink, SinkItem, SinkResult, sink

BATCH = 100


@sink("core.sql")
class SqlSink(Sink):
    """Writes rows, many deliveries in one transaction.

    `insert` notes the delivery in `applied_table` within the transaction that writes its rows, so a repeat writes
    nothing; `children` puts the lines of a document into a table of their own in the same transaction. `upsert`
    replaces the row with the same key. Values are always bound, amounts stay exact, and a column that could not keep
    them is refused. One bad delivery does not spoil its batch. What is noted is forgotten after `applied_keep`.

    The tables of `table` and `children` have to be there: only `applied_table` is made. `tillflow doctor` names those that
    are missing. A column for amounts is `numeric` in PostgreSQL (`numeric(12, 2)` refuses a third decimal place) and `TEXT`
    in SQLite, whose numeric columns keep fractions as binary numbers.
    """

    actions: ClassVar = {
        "insert": Action(InsertRequest, "same_transaction", body="row", batch=BATCH, summary="Write new rows, once."),
        "upsert": Action(
            UpsertRequest, "upsert", body="row", batch=BATCH, summary="Write rows or replace those of the same key."
        ),
    }

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    async def deliver(self, batch: Sequence[SinkItem], ctx: ConnectorContext) -> list[SinkResult]:
        """The whole batch in one transaction."""
        results: dict[int, SinkResult] = {}
        wanted: dict[int, Work] = {}
        for position, item in enumerate(batch):
            try:
                model = UpsertRequest if item.action == "upsert" else InsertRequest
                request = read_request(model, item.request)
                wanted[position] = work_of(item.key, request, claim=item.action == "insert")
            except Failure as failure:
                results[position] = SinkResult.failed(failure)
        if wanted:
            ctx.sent()
            made = await self._connection.database.apply(list(wanted.values()))
            for position, answer in zip(wanted, made, strict=True):
                results[position] = _result(answer)
            if any(work.claim for work in wanted.values()):
                await self._connection.forgetting.look(ctx)
        return [results[position] for position in range(len(batch))]


def _result(answer: Failure | bool) -> SinkResult:
    if isinstance(answer, Failure):
        return SinkResult.failed(answer)
    return SinkResult.applied({} if answer else {"repeat": True})

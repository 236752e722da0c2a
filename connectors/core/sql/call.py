"""Call `core.sql`."""

from __future__ import annotations

from typing import Any, ClassVar

from connectors.core.requests import read_request
from connectors.core.sql.config import PARAMETER, LookupRequest
from connectors.core.sql.connection import SqlConnection
from engine.sdk import Action, Call, ConnectorContext, Permanent, SinkItem, call


@call("core.sql")
class SqlCall(Call):
    """Asks the connection's named queries. The reply is `{rows: [..], first: {..} or null}`, with exact numbers.

    A query only reads: it runs in a transaction that cannot write, and its parameters are always bound.
    """

    actions: ClassVar = {"lookup": Action(LookupRequest, body="params", summary="Rows of a named query, at most 1000.")}

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    async def call(self, item: SinkItem, ctx: ConnectorContext) -> Any:
        """See Call.call. Raises Permanent `no-such-query` or `bad-request`."""
        request = read_request(LookupRequest, item.request)
        queries = self._connection.config.queries
        query = queries.get(request.query)
        if query is None:
            raise Permanent(
                "no-such-query", f"the connection has no query `{request.query}`; it has {', '.join(queries) or 'none'}"
            )
        if missing := set(PARAMETER.findall(query)) - request.params.keys():
            raise Permanent("bad-request", f"the query `{request.query}` needs the parameter `{sorted(missing)[0]}`")
        ctx.sent()
        rows = await self._connection.database.find(query, request.params)
        return {"rows": rows, "first": rows[0] if rows else None}

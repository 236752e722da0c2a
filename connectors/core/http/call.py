"""Call `core.http`: request and reply in the middle of a route."""

from __future__ import annotations

from typing import Any, ClassVar

from connectors.core.http.answers import failure_of, value_of
from connectors.core.http.config import Request, SendRequest
from connectors.core.http.connection import HttpConnection
from connectors.core.requests import read_request
from engine.sdk import Action, Call, ConnectorContext, SinkItem, Transient, UnknownOutcome, call

_METHOD = {"query": "POST"}


@call("core.http")
class HttpCall(Call):
    """Asks one host. The reply is `{status, body}`, with exact numbers.

    `get` and `query` only read and can be repeated at will. `post` sends an idempotency key the other side honours,
    `put` can be repeated. 404 is the permanent failure `not-found`.
    """

    actions: ClassVar = {
        "get": Action(Request, summary="GET."),
        "query": Action(SendRequest, body="body", summary="POST that only reads."),
        "post": Action(SendRequest, "idempotency_key", body="body", summary="POST with an idempotency key."),
        "put": Action(SendRequest, "upsert", body="body", summary="PUT: the same again changes nothing."),
    }

    def __init__(self, connection: HttpConnection) -> None:
        self._connection = connection

    async def call(self, item: SinkItem, ctx: ConnectorContext) -> Any:
        """See Call.call."""
        action = self.actions[item.action]
        reads = action.guarantee is None
        model = Request if item.action == "get" else SendRequest
        request = read_request(model, item.request)
        method = _METHOD.get(item.action, item.action.upper())
        key, now = "" if reads else item.key, ctx.clock.now()
        try:
            answer = await self._connection.request(method, request, key, ctx.timeout, now, ctx.sent)
        except UnknownOutcome as lost:
            if reads:
                raise Transient(lost.reason, lost.detail) from lost
            raise
        if failure := failure_of(answer, now, self._connection.config.on_conflict, reads):
            raise failure
        return {"status": answer.status, "body": value_of(answer)}

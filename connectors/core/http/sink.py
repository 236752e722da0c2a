"""Sink `core.http`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

from connectors.core.http.answers import failure_of, value_of
from connectors.core.http.config import CheckedRequest, Request, SendRequest
from connectors.core.http.connection import HttpConnection
from connectors.core.http.exchange import Answer
from connectors.core.requests import read_request
from engine.sdk import Action, ConnectorContext, Failure, Sink, SinkItem, SinkResult, Transient, UnknownOutcome, sink

_METHOD = {"post_checked": "POST", "post_once": "POST", "notify": "POST"}
_MODEL: dict[str, type[Request]] = {"delete": Request, "post_checked": CheckedRequest}
_KEPT = 2048  # bytes of an answer that are kept as the delivery's result


@sink("core.http")
class HttpSink(Sink):
    """Sends requests to one host. The action says what keeps a repeat from doubling the effect.

    `post` sends an idempotency key the other side honours, `put` and `delete` can be repeated, `post_checked` looks
    first whether it is there, `post_once` is never repeated and becomes a work item when the answer got lost, `patch`
    and `notify` may happen twice. 429 and Retry-After are honoured; 5xx and lost answers count as unknown outcome.
    """

    actions: ClassVar = {
        "post": Action(SendRequest, "idempotency_key", body="body", summary="POST with an idempotency key."),
        "put": Action(SendRequest, "upsert", body="body", summary="PUT: the same again changes nothing."),
        "delete": Action(Request, "upsert", summary="DELETE: gone already counts as done."),
        "post_checked": Action(
            CheckedRequest,
            "verify",
            body="body",
            settle=5.0,
            summary="POST; after a lost answer GET tells whether it was done.",
        ),
        "post_once": Action(SendRequest, "at_most_once", body="body", summary="POST that is never repeated."),
        "patch": Action(SendRequest, "at_least_once", body="body", summary="PATCH; may happen twice."),
        "notify": Action(SendRequest, "at_least_once", body="body", summary="POST; may happen twice."),
    }

    def __init__(self, connection: HttpConnection) -> None:
        self._connection = connection

    async def deliver(self, batch: Sequence[SinkItem], ctx: ConnectorContext) -> list[SinkResult]:
        """One request per item."""
        return list(await asyncio.gather(*(self._one(item, ctx) for item in batch)))

    async def _one(self, item: SinkItem, ctx: ConnectorContext) -> SinkResult:
        try:
            request = read_request(_MODEL.get(item.action, SendRequest), item.request)
            method = _METHOD.get(item.action, item.action.upper())
            now = ctx.clock.now()
            answer = await self._connection.request(method, request, item.key, ctx.timeout, now, ctx.sent)
        except Failure as failure:
            return SinkResult.failed(failure)
        if item.action == "delete" and answer.status in (404, 410):
            return SinkResult.applied({"status": answer.status})
        found = failure_of(answer, now, self._connection.config.on_conflict)
        return SinkResult.failed(found) if found else SinkResult.applied(_result(answer))

    async def verify(self, item: SinkItem, ctx: ConnectorContext) -> bool:
        """GET of `check_path`: found, or a list that is not empty, means applied. Raises Failure."""
        request = read_request(CheckedRequest, item.request)
        look = Request(path=request.check_path, query=request.check_query, headers=request.headers)
        try:
            answer = await self._connection.request("GET", look, "", ctx.timeout, ctx.clock.now(), lambda: None)
        except UnknownOutcome as lost:  # nothing was changed by looking
            raise Transient(lost.reason, lost.detail) from lost
        if answer.status in (404, 410):
            return False
        if failure := failure_of(answer, ctx.clock.now(), reads=True):
            raise failure
        return value_of(answer) not in ([], None)


def _result(answer: Answer) -> dict[str, Any]:
    result: dict[str, Any] = {"status": answer.status}
    if answer.complete and 0 < len(answer.body) <= _KEPT:
        try:
            result["body"] = value_of(answer)
        except Failure:
            result["body"] = answer.body.decode("utf-8", "replace")
    return result

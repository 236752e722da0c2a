"""Source `core.http`: webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from connectors.core.http.config import HttpSourceConfig
from connectors.core.http.connection import HttpConnection
from connectors.core.http.exchange import BUSY, NOT_NOW, Door, Incoming, Limits, Reply
from connectors.core.http.refusals import Refusals
from engine.sdk import (
    Arrival,
    AuthScheme,
    Clock,
    Failure,
    Permanent,
    Source,
    SourceContext,
    Throttled,
    control_in,
    parse,
    source,
)

MOMENT = 1.0  # seconds
UNPROVEN = "it does not prove who sent it"  # the same for every reason: who is not proven learns nothing
_LOCAL = ("127.", "localhost:", "[::1]", "::1")


@source("core.http")
class HttpSource(Source):
    """Takes in webhooks at a path of the connection's `listen` address.

    A sender is answered 202 only when its event is durable, and 202 again when it repeats one: the sender's own id (of
    its auth scheme, or `id_header`) makes it the same event, otherwise the body does. 401 without a valid proof, 400
    for a body that says it is JSON and is not, and for an id or a key with control characters, 413 too large, 408 too
    slow, 415 compressed, 404 and 405 elsewhere, 503 with Retry-After while the engine takes nothing. A body that cannot
    be understood is kept as a work item. What is refused is counted by reason, and the log tells of each reason at most
    once a minute, with the count since.
    """

    Config = HttpSourceConfig
    own_ids = True
    default_format = "json"

    def __init__(self, config: HttpSourceConfig, connection: HttpConnection, route: str) -> None:
        self._config = config
        self._connection = connection
        self._settings = connection.config
        self._auth: AuthScheme | None = config.auth.build() if config.auth else connection.auth
        self._waiting: asyncio.Queue[Arrival] = asyncio.Queue(maxsize=self._settings.max_connections)
        self._unanswered: set[asyncio.Future[Reply]] = set()
        self._closed = False
        self._clock: Clock | None = None

    async def close(self) -> None:
        """Answer 503 from now on, unless another has taken its place; returns when what waits here is taken in."""
        self._closed = True
        await self._waiting.join()

    async def arrivals(self, ctx: SourceContext) -> AsyncIterator[Arrival]:
        """Requests as they come in."""
        from connectors.core.http.listener import LISTENERS  # with a whole server, which only a running source needs

        self._require_safe()
        self._clock = ctx.clock
        settings = self._settings
        limits = Limits(settings.max_body, settings.read_timeout, settings.max_connections)
        listener = await LISTENERS.borrow(settings.listen, limits, shared=ctx.beside)
        refusals = Refusals(
            lambda text, facts: ctx.log(text, {"path": self._config.path, **facts}), ctx.clock.monotonic, ctx.refused
        )
        door = Door(self._take, refusals)
        listener.add(self._config.method, self._config.path, door)
        ctx.log("takes in webhooks", {"address": f"{listener.host}:{listener.port}", "path": self._config.path})
        ctx.ready()
        try:
            while True:
                yield await self._waiting.get()
                self._waiting.task_done()
        finally:
            listener.remove(self._config.method, self._config.path, door)
            refusals.rest()
            self._turn_away()
            await LISTENERS.give_back(listener)

    def _turn_away(self) -> None:
        """Nobody waits long for an answer that will not come; what becomes durable all the same is absorbed as a
        repeat. What the engine is about to take in has a moment for it.
        """
        loop = asyncio.get_running_loop()
        for done in self._unanswered:
            loop.call_later(MOMENT, _settle, done, Reply(503, "it was stopped; send it again", BUSY))

    def _require_safe(self) -> None:
        if not self._settings.listen:
            raise Permanent("no-listen", "the connection has no `listen` address to take in webhooks at")
        if self._auth is None and not self._settings.listen.startswith(_LOCAL):
            why = f"{self._settings.listen} can be reached by others and {self._config.path} has no `auth`"
            raise Permanent("no-auth", f"{why}; name a scheme, or say auth: {{scheme: none, why: ..}}")

    async def _take(self, incoming: Incoming) -> Reply:
        assert self._clock is not None
        try:
            own_id = self._proven_id(incoming, self._clock.now())
        except Failure as failure:
            return Reply(401, UNPROVEN, why=failure.detail)
        if reply := _malformed(incoming, own_id):
            return reply
        if self._closed or self._waiting.full():
            return NOT_NOW
        return await self._durable(incoming, own_id)

    def _proven_id(self, incoming: Incoming, now: int) -> str:
        url = incoming.url
        if self._settings.public_url:
            path_and_query = "/" + url.split("://", 1)[1].partition("/")[2]
            url = self._settings.public_url.rstrip("/") + path_and_query
        own_id = self._auth.verify(url, incoming.headers, incoming.body, now) if self._auth else ""
        return own_id or (incoming.headers.get(self._config.id_header.lower(), "") if self._config.id_header else "")

    async def _durable(self, incoming: Incoming, id: str) -> Reply:
        done: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._unanswered.add(done)
        self._waiting.put_nowait(self._arrival(incoming, id, done))
        try:
            async with asyncio.timeout(self._settings.ack_timeout):
                return await done
        except TimeoutError:
            return Reply(503, "it is not durable yet; send it again", BUSY)
        finally:
            self._unanswered.discard(done)

    def _arrival(self, incoming: Incoming, id: str, done: asyncio.Future[Reply]) -> Arrival:
        async def ack(work_items: int) -> None:
            says = "accepted" if not work_items else "kept for a person to look at; do not send it again"
            _settle(done, Reply(202, says))

        async def release(reason: Failure) -> None:
            if isinstance(reason, Permanent):
                _settle(done, Reply(400, f"it is not taken in: {reason.detail or reason.reason}", why=reason.reason))
                return
            wait = reason.after if isinstance(reason, Throttled) else 10.0
            _settle(done, Reply(503, NOT_NOW.says, {"retry-after": str(max(1, round(wait)))}))

        kept = {
            name.lower(): incoming.headers[name.lower()]
            for name in self._config.keep_headers
            if name.lower() in incoming.headers
        }
        headers = {"path": incoming.path, **kept}
        return Arrival(incoming.path, ack, release, incoming.body, id=id, headers=headers, told=True)


def _settle(done: asyncio.Future[Reply], reply: Reply) -> None:
    if not done.done():
        done.set_result(reply)


def _malformed(incoming: Incoming, own_id: str) -> Reply | None:
    """An id nobody can type, or a body that says it is JSON and is not, is told to the one who can mend it."""
    if control_in(own_id):
        return Reply(400, "the id of the request holds control characters")
    if "json" not in incoming.headers.get("content-type", ""):
        return None
    try:
        parse(incoming.body)
    except Failure as failure:
        why = "the body says it is JSON and is not"  # its words stay out of the log
        return Reply(400, f"the body is not JSON that can be taken in: {failure.detail}", why=why)
    return None

"""Taking in HTTP requests: one server per address, shared by every route that listens there.

Everything is bounded before it costs anything: headers, body, time, number of senders. What a sender gets to see is a
status and one sentence.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from typing import Any

import h11
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

from connectors.core.http.body import Body, Refused
from connectors.core.http.exchange import Handler, Incoming, Limits, Reply
from engine.sdk import Transient

MAX_HEADER = 16 << 10
HEADER_TIMEOUT = 10.0


class _Protocol(H11Protocol):
    """Closes a connection whose sender takes too long over its headers."""

    _slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._slow = self.loop.call_later(HEADER_TIMEOUT, self._too_slow)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        waiting = self.conn.their_state is h11.IDLE  # for the end of the headers
        if waiting and self._slow is None:
            self._slow = self.loop.call_later(HEADER_TIMEOUT, self._too_slow)
        elif not waiting and self._slow is not None:
            self._slow.cancel()
            self._slow = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._slow is not None:
            self._slow.cancel()
        super().connection_lost(exc)

    def _too_slow(self) -> None:
        self.transport.write(b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        self.transport.close()


class _Server(uvicorn.Server):
    """A server that leaves signals to the engine, and says when it takes in requests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listener:
    """One address, with handlers by method and path.

    The newest handler of a path is asked, so that a route can be swapped without a gap.
    """

    def __init__(self, host: str, port: int, limits: Limits) -> None:
        self.host = host
        self.port = port
        self.users = 0
        self._limits = limits
        self._handlers: dict[tuple[str, str], list[Handler]] = {}
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None
        self._starting: asyncio.Future[None] | None = None

    async def started(self) -> None:
        """Takes in requests when this returns, whoever asked first. Raises Transient `cannot-listen`."""
        if self._starting is None:
            self._starting = asyncio.ensure_future(self._start())
        await asyncio.shield(self._starting)

    async def _start(self) -> None:
        sock = self._bound()
        self.port = sock.getsockname()[1]
        self._server = _Server(self._config())
        self._task = asyncio.create_task(self._server.serve([sock]), name=f"listen {self.host}:{self.port}")
        await self._server.ready.wait()

    def _bound(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((self.host.strip("[]"), self.port))
        except OSError as error:
            sock.close()
            raise Transient("cannot-listen", f"{self.host}:{self.port}: {error.strerror}") from error
        return sock

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self._app,
            interface="asgi3",
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            date_header=False,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=5,
            limit_concurrency=self._limits.max_connections,
            h11_max_incomplete_event_size=MAX_HEADER,
        )

    async def stop(self) -> None:
        """The address is free at once; requests that are being answered get a moment."""
        if self._server is None or self._task is None:
            return
        for server in self._server.servers:
            server.close()
        self._server.should_exit = True
        await self._task

    def add(self, method: str, path: str, handler: Handler) -> None:
        self._handlers.setdefault((method, path), []).append(handler)

    def remove(self, method: str, path: str, handler: Handler) -> None:
        handlers = self._handlers.get((method, path), [])
        if handler in handlers:
            handlers.remove(handler)
        if not handlers:
            self._handlers.pop((method, path), None)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope)
        body = Body(request.headers, receive)
        try:
            reply = await self._answer(request, body)
            await body.drain()
        except ClientDisconnect:
            return
        response = JSONResponse({"status": reply.says}, reply.status, dict(reply.headers or {}))
        if reply.status in (408, 413):
            response.headers["connection"] = "close"
        await response(scope, receive, send)

    async def _answer(self, request: Request, body: Body) -> Reply:
        """Raises ClientDisconnect."""
        try:
            return await self._reply(request, body)
        except Refused as refused:
            return refused.reply
        except ClientDisconnect:
            raise
        except Exception as error:
            logging.getLogger(__name__).error("a webhook could not be handled: %s", type(error).__name__)
            return Reply(503, "it could not be taken in; send it again", {"retry-after": "10"})

    async def _reply(self, request: Request, body: Body) -> Reply:
        path = request.scope["path"]
        handlers = self._handlers.get((request.method, path))
        if not handlers:
            allowed = sorted(method for method, known in self._handlers if known == path)
            if allowed:
                return Reply(405, f"this path takes {', '.join(allowed)}", {"allow": ", ".join(allowed)})
            return Reply(404, "nothing is taken in at this path")
        if request.headers.get("content-encoding", "identity") != "identity":
            return Reply(415, "compressed bodies are not accepted")
        content = await body.read(self._limits)
        incoming = Incoming(path, str(request.url), dict(request.headers.items()), content)
        return await handlers[-1](incoming)


class Listeners:
    """The listeners of this process: an address exists once in it, however many connections name it."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], Listener] = {}

    async def borrow(self, address: str, limits: Limits) -> Listener:
        """The listener at `host:port`, started by its first user. Raises Transient `cannot-listen`."""
        host, _, port = address.rpartition(":")
        key = (host, int(port))
        listener = self._open.get(key)
        if listener is None:
            listener = self._open[key] = Listener(host, int(port), limits)
        listener.users += 1
        try:
            await listener.started()
        except BaseException:
            await self.give_back(listener)
            raise
        return listener

    async def give_back(self, listener: Listener) -> None:
        """Stopped when its last user is gone."""
        listener.users -= 1
        if listener.users == 0:
            for key in [key for key, known in self._open.items() if known is listener]:
                del self._open[key]
            await listener.stop()


LISTENERS = Listeners()

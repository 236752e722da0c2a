"""Taking in HTTP requests: one server per address, shared by every route that listens there.

Everything is bounded before it costs anything: headers, body, time, number of senders. What a sender gets to see is a
status and one sentence.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, cast

import h11
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

from connectors.core.http.body import Body, Refused
from connectors.core.http.exchange import BUSY, NOT_NOW, Door, Incoming, Limits, Reply
from connectors.core.http.refusals import Refusals
from engine.sdk import Transient

MAX_HEADER = 16 << 10
HEADER_TIMEOUT = 10.0

OnRefused = Callable[[Reply, str], None]


class _Unread(logging.LoggerAdapter[logging.Logger]):
    """Takes what the server would warn of with every request that it answers itself: those are refusals too."""

    def __init__(self, logger: logging.Logger, refused: OnRefused, peer: str) -> None:
        super().__init__(logger)
        self.level = logger.level  # the server asks for it
        self._refused = refused
        self._peer = peer

    def warning(self, msg: object, *args: Any, **kwargs: Any) -> None:
        status = 503 if "concurrency" in str(msg) else 400
        self._refused(Reply(status, str(msg)), self._peer)


class _Protocol(H11Protocol):
    """Closes a connection whose sender takes too long over its headers; tells of what is refused unread."""

    _slow: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, refused: OnRefused, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._refused = refused

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.logger = cast(logging.Logger, _Unread(self.logger, self._refused, _peer(self.client)))
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
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._refused(Reply(408, "the headers took too long to arrive"), _peer(self.client))
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
    """One address, with doors by method and path.

    The newest door of a path is asked, so that a route can be swapped without a gap. Processes that share an address are
    given its connections in turns, by the system; who does not say so finds the address taken.
    """

    def __init__(self, host: str, port: int, limits: Limits, *, shared: bool = False) -> None:
        self.host = host
        self.port = port
        self._shared = shared
        self.users = 0
        self._limits = limits
        self._doors: dict[tuple[str, str], list[Door]] = {}
        self._refused = Refusals(self._tell, lambda: asyncio.get_running_loop().time())
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
        if self._shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
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
            http=cast(Any, partial(_Protocol, refused=self._refused)),
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
        self._refused.rest()

    def _tell(self, text: str, facts: Mapping[str, Any]) -> None:
        """For what reaches no route: there is none to log or count it under."""
        told = ", ".join(f"{name} {value}" for name, value in facts.items())
        logging.getLogger(__name__).warning("%s at %s:%s: %s", text, self.host, self.port, told)

    def add(self, method: str, path: str, door: Door) -> None:
        self._doors.setdefault((method, path), []).append(door)

    def remove(self, method: str, path: str, door: Door) -> None:
        doors = self._doors.get((method, path), [])
        if door in doors:
            doors.remove(door)
        if not doors:
            self._doors.pop((method, path), None)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope)
        body = Body(request.headers, receive)
        try:
            reply = await self._answer(request, body)
            self._note(request, reply)
            await body.drain()
        except ClientDisconnect:
            return
        response = JSONResponse({"status": reply.says}, reply.status, dict(reply.headers or {}))
        if reply.status in (408, 413):
            response.headers["connection"] = "close"
        await response(scope, receive, send)

    def _note(self, request: Request, reply: Reply) -> None:
        doors = self._doors.get((request.method, request.scope["path"]))
        refused = doors[-1].refused if doors else self._refused
        if reply.status >= 400:
            refused(reply, _peer(request.scope.get("client")))

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
            return Reply(503, "it could not be taken in; send it again", BUSY)

    async def _reply(self, request: Request, body: Body) -> Reply:
        if _ambiguous(request):
            return Reply(400, "it says in two ways where it ends", {"connection": "close"})
        path = request.scope["path"]
        if self._server is not None and self._server.should_exit:
            return NOT_NOW
        if not self._doors.get((request.method, path)):
            allowed = sorted(method for method, known in self._doors if known == path)
            if allowed:
                return Reply(405, f"this path takes {', '.join(allowed)}", {"allow": ", ".join(allowed)})
            return Reply(404, "nothing is taken in at this path")
        if request.headers.get("content-encoding", "identity") != "identity":
            return Reply(415, "compressed bodies are not accepted")
        content = await body.read(self._limits)
        doors = self._doors.get((request.method, path))
        if not doors:  # its route ended while the body arrived
            return NOT_NOW
        incoming = Incoming(path, str(request.url), dict(request.headers.items()), content)
        return await doors[-1].take(incoming)


def _ambiguous(request: Request) -> bool:
    """Something in front of us may see another end of this request, and with it another request behind it."""
    if "transfer-encoding" not in request.headers:
        return False
    return "content-length" in request.headers or request.scope["http_version"] == "1.0"


def _peer(client: Any) -> str:
    return str(client[0]) if client else ""


class Listeners:
    """The listeners of this process: an address exists once in it, however many connections name it."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], Listener] = {}

    async def borrow(self, address: str, limits: Limits, *, shared: bool = False) -> Listener:
        """The listener at `host:port`, started by its first user; `shared`: other processes listen there too. Raises
        Transient `cannot-listen`.
        """
        host, _, port = address.rpartition(":")
        key = (host, int(port))
        listener = self._open.get(key)
        if listener is None:
            listener = self._open[key] = Listener(host, int(port), limits, shared=shared)
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

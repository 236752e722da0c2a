"""Taking in HTTP requests: one server per address, shared by every route that listens there.

Everything is bounded before it costs anything: headers, body, time, number of senders. What a sender gets to see is a
status and one sentence.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from engine.sdk import Transient

MAX_HEADER = 16 << 10
HEADER_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Incoming:
    """A complete request. `url` is its full address as the sender sees it; header names are lower case."""

    path: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What the sender is answered."""

    status: int
    says: str
    headers: Mapping[str, str] | None = None

    def response(self) -> Response:
        return JSONResponse({"status": self.says}, self.status, dict(self.headers or {}))


Handler = Callable[[Incoming], Awaitable[Reply]]


@dataclass(frozen=True)
class Limits:
    """Bounds of one listener. Times in seconds, sizes in bytes."""

    max_body: int = 1 << 20
    read_timeout: float = 10.0
    max_connections: int = 200


class _Refused(Exception):
    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.says)
        self.reply = reply


class _Protocol(H11Protocol):
    """Closes a connection whose sender takes too long over its headers."""

    _slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._slow = self.loop.call_later(HEADER_TIMEOUT, self._too_slow)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and self._slow is not None:
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
    """A server that leaves signals to the engine."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listener:
    """One address. Handlers are registered by method and path; the newest of one path is asked, so that a route can be
    swapped without a gap."""

    def __init__(self, host: str, port: int, limits: Limits) -> None:
        self.host = host
        self.port = port
        self.users = 0
        self._limits = limits
        self._handlers: dict[tuple[str, str], list[Handler]] = {}
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None
        self._socket: socket.socket | None = None

    async def start(self) -> None:
        """Raises Transient `cannot-listen`."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((self.host.strip("[]"), self.port))
        except OSError as error:
            sock.close()
            raise Transient("cannot-listen", f"{self.host}:{self.port}: {error.strerror}") from error
        self._socket, self.port = sock, sock.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=5,
            limit_concurrency=self._limits.max_connections,
            h11_max_incomplete_event_size=MAX_HEADER,
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve([sock]), name=f"listen {self.host}:{self.port}")
        while not self._server.started and not self._task.done():
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Stop taking in; requests that are being answered get a moment."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task
        if self._socket is not None:
            self._socket.close()

    def add(self, method: str, path: str, handler: Handler) -> None:
        self._handlers.setdefault((method, path), []).append(handler)

    def remove(self, method: str, path: str, handler: Handler) -> None:
        handlers = self._handlers.get((method, path), [])
        if handler in handlers:
            handlers.remove(handler)
        if not handlers:
            self._handlers.pop((method, path), None)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        try:
            reply = await self._reply(request)
        except _Refused as refused:
            reply = refused.reply
        except ClientDisconnect:
            return
        response = reply.response()
        if reply.status in (408, 413):
            response.headers["connection"] = "close"
        await response(scope, receive, send)

    async def _reply(self, request: Request) -> Reply:
        path = request.scope["path"]
        handlers = self._handlers.get((request.method, path))
        if not handlers:
            allowed = sorted(method for method, known in self._handlers if known == path)
            if allowed:
                return Reply(405, f"this path takes {', '.join(allowed)}", {"allow": ", ".join(allowed)})
            return Reply(404, "nothing is taken in at this path")
        if request.headers.get("content-encoding", "identity") != "identity":
            return Reply(415, "compressed bodies are not accepted")
        body = await self._body(request)
        incoming = Incoming(path, str(request.url), {name: value for name, value in request.headers.items()}, body)
        return await handlers[-1](incoming)

    async def _body(self, request: Request) -> bytes:
        cap = self._limits.max_body
        too_large = _Refused(Reply(413, f"a body has at most {cap} bytes"))
        announced = request.headers.get("content-length", "0")
        if announced.isdigit() and int(announced) > cap:
            raise too_large
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._limits.read_timeout):
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > cap:
                        raise too_large
                    chunks.append(chunk)
        except TimeoutError:
            raise _Refused(Reply(408, "the body took too long to arrive")) from None
        return b"".join(chunks)


class Listeners:
    """The listeners of this process: an address exists once in it, however many connections name it."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], Listener] = {}
        self._lock: asyncio.Lock | None = None

    async def borrow(self, address: str, limits: Limits) -> Listener:
        """The listener at `host:port`, started by its first user. Raises Transient `cannot-listen`."""
        host, _, port = address.rpartition(":")
        key = (host, int(port))
        async with self._locked():
            listener = self._open.get(key)
            if listener is None:
                listener = Listener(host, int(port), limits)
                await listener.start()
                self._open[key] = listener
            listener.users += 1
            return listener

    async def give_back(self, listener: Listener) -> None:
        """Stopped when its last user is gone."""
        async with self._locked():
            listener.users -= 1
            if listener.users == 0:
                for key in [key for key, known in self._open.items() if known is listener]:
                    del self._open[key]
                await listener.stop()

    def _locked(self) -> asyncio.Lock:
        if not self._open or self._lock is None:
            self._lock = asyncio.Lock() if self._lock is None or not self._lock.locked() else self._lock
        return self._lock


LISTENERS = Listeners()

"""An in-process HTTP system that applies requests once per idempotency key, and misbehaves on demand.

async with FakeHttp() as system:
    system.next(drop=True)          # apply, then close the connection without an answer
    ... post to system.url + "/orders" ...
    assert system.effects == [{"path": "/orders", "body": {..}}]
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from engine.sdk import encode, parse


@dataclass(frozen=True)
class Behaviour:
    """What happens to one request. `status` 0 answers as usual; the delays are in seconds."""

    status: int = 0
    apply: bool = True
    drop: bool = False
    delay: float = 0.0
    drip: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class Received:
    """A request as it came in."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


class FakeHttp:
    """A system with documents by path. POST applies once per Idempotency-Key and makes `<path>/<key or number>`."""

    def __init__(self, idempotent: bool = True) -> None:
        self.idempotent = idempotent
        self.received: list[Received] = []
        self.effects: list[dict[str, Any]] = []
        self.documents: dict[str, Any] = {}
        self._answers: dict[str, bytes] = {}
        self._behaviours: deque[Behaviour] = deque()
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()

    def next(self, **behaviour: Any) -> None:
        """How the next request that has none yet is treated; see Behaviour."""
        self._behaviours.append(Behaviour(**behaviour))

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> FakeHttp:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._clients):
            writer.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            while (request := await _read(reader)) is not None:
                self.received.append(request)
                behaviour = self._behaviours.popleft() if self._behaviours else Behaviour()
                if not await self._answer(request, behaviour, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client hung up: its own affair, a fake of a server goes on
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _answer(self, request: Received, behaviour: Behaviour, writer: asyncio.StreamWriter) -> bool:
        status, body = behaviour.status, b""
        if behaviour.apply and behaviour.status < 400:
            made, body = self._apply(request)
            status = status or made
        await asyncio.sleep(behaviour.delay)
        if behaviour.drop:
            return False
        content = behaviour.body if behaviour.body is not None else body
        kind = {"content-type": "application/json", **behaviour.headers}
        lines = [f"HTTP/1.1 {status or 200} X", *(f"{name}: {value}" for name, value in kind.items())]
        writer.write("\r\n".join([*lines, f"content-length: {len(content)}", "", ""]).encode("latin-1"))
        if behaviour.drip:
            for byte in content:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(behaviour.drip)
        else:
            writer.write(content)
        await writer.drain()
        return True

    def _apply(self, request: Received) -> tuple[int, bytes]:
        match request.method:
            case "GET":
                found = self.documents.get(request.path)
                return (404, b"{}") if found is None else (200, encode(found))
            case "DELETE":
                return (204, b"") if self.documents.pop(request.path, None) is not None else (404, b"{}")
            case "PUT":
                return self._effect(request, request.path)
            case _:
                return self._post(request)

    def _post(self, request: Received) -> tuple[int, bytes]:
        key = request.headers.get("idempotency-key", "")
        if self.idempotent and key in self._answers:
            return 201, self._answers[key]
        status, answer = self._effect(request, f"{request.path}/{key or len(self.effects) + 1}")
        if key:
            self._answers[key] = answer
        return status, answer

    def _effect(self, request: Received, path: str) -> tuple[int, bytes]:
        body = parse(request.body) if request.headers.get("content-type") == "application/json" else None
        if request.method != "PUT" or self.documents.get(path) != body:
            self.effects.append({"path": request.path, "body": body})
        self.documents[path] = body
        return 201, encode({"id": path, "body": body})


async def _read(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *rest = head.rstrip().split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    parts = urlsplit(target)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, unquote(parts.path), parts.query, headers, body)

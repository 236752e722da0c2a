"""A stand-in for the payment and loyalty services: real HTTP on loopback, idempotent, and out of order for a while."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


class StandIn:
    """What it was asked to do, once per Idempotency-Key.

    failing   requests the loyalty service still answers with 503 before it recovers
    """

    def __init__(self, failing: int = 6) -> None:
        self.failing = failing
        self.refused = 0
        self.done: dict[str, dict[str, object]] = {"refunds": {}, "accruals": {}}
        self.repeats = 0
        routes = [
            Route("/refunds", self._refund, methods=["POST"]),
            Route("/accruals", self._accrue, methods=["POST"]),
        ]
        self.app = Starlette(routes=routes)

    async def _refund(self, request: Request) -> Response:
        return await self._once("refunds", request)

    async def _accrue(self, request: Request) -> Response:
        if self.refused < self.failing:
            self.refused += 1
            return JSONResponse({"error": "maintenance"}, 503)
        return await self._once("accruals", request)

    async def _once(self, kind: str, request: Request) -> Response:
        key = request.headers.get("idempotency-key", "")
        if not key:
            return JSONResponse({"error": "Idempotency-Key is missing"}, 400)
        done = self.done[kind]
        if key in done:
            self.repeats += 1
        else:
            done[key] = await request.json()
        return JSONResponse({"id": f"{kind}-{key[:12]}"}, 201)


@asynccontextmanager
async def serving(stand_in: StandIn) -> AsyncIterator[str]:
    """Serve on a free port of loopback; gives the base URL."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        config = uvicorn.Config(stand_in.app, log_level="critical", lifespan="off")
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await task

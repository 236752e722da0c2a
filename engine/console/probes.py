"""What orchestrators and Prometheus ask an engine process: is it alive, is it ready, what are its figures.

GET /health/live    200 while the process answers at all; restart it when it does not
GET /health/ready   200 {"ready": true, ..} or 503 with the problems by name: nothing should be sent here meanwhile
GET /metrics        see `metrics`
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.console.metrics import CONTENT_TYPE, Metrics
from engine.console.serve import serving_at
from engine.core.jsonx import encode
from engine.runtime.engine import Engine


def make_probes(engine: Engine) -> Starlette:
    """The ASGI app over one engine."""
    metrics = Metrics(engine)

    async def live(request: Request) -> Response:
        return _json({"live": True})

    async def ready(request: Request) -> Response:
        status = await engine.status()
        answer = {"ready": status.ready, "state": status.state, "problems": status.problems}
        return _json(answer, 200 if status.ready else 503)

    async def figures(request: Request) -> Response:
        return Response(await metrics.text(), media_type=CONTENT_TYPE)

    return Starlette(routes=[Route("/health/live", live), Route("/health/ready", ready), Route("/metrics", figures)])


@asynccontextmanager
async def probing(engine: Engine, host: str, port: int) -> AsyncIterator[None]:
    """Serve them until the block ends; nothing where there is no host. Raises SettingsError when it cannot listen."""
    if not host:
        yield
        return
    async with serving_at(make_probes(engine), host, port):
        yield


def _json(value: Any, status: int = 200) -> Response:
    return Response(encode(value), status, media_type="application/json")

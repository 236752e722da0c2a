"""Serving an app: the owner's API on a Unix socket that only its owner may use, probes at an address."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn

from engine.core.errors import SettingsError

MAX_PATH = 100  # the kernel's limit for the name of a Unix socket is 107 bytes


@asynccontextmanager
async def serving(app: Any, path: Path) -> AsyncIterator[None]:
    """Serve `app` on `path` until the block ends. The caller holds the database's lock: a file there is a leftover."""
    try:
        async with _serving(app, _listener(path)):
            yield
    finally:
        path.unlink(missing_ok=True)


@asynccontextmanager
async def serving_at(app: Any, host: str, port: int) -> AsyncIterator[None]:
    """Serve `app` at a host and port until the block ends. Raises SettingsError when it cannot listen there."""
    listener = _listening_at(host, port)
    async with _serving(app, listener):
        yield


def check_free(host: str, port: int) -> None:
    """Whether something can listen there now, asked before there is anything to serve. Raises SettingsError."""
    if host:
        _listening_at(host, port).close()


def _listening_at(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        if (error.errno or 0) < 0:  # of the resolver of names
            why, advice = "the host is not known", "correct it"
        else:
            why = os.strerror(error.errno) if error.errno else str(error)  # its own words name the address once more
            advice = "choose another port, or end what listens there"
    raise SettingsError(f"nothing can listen at {host}:{port} (--http): {why}; {advice}")


@asynccontextmanager
async def _serving(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", access_log=False))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(_serve(server, listener))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)
        yield
    finally:
        server.should_exit = True
        await task
        listener.close()


async def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    # `serve` would take over the process's signals; the engine's own stop decides when this ends.
    config = server.config
    if not config.loaded:
        config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    await server.main_loop()
    await server.shutdown(sockets=[listener])


def _listener(path: Path) -> socket.socket:
    if len(os.fsencode(path)) > MAX_PATH:
        raise SettingsError(f"{path} is too long for a Unix socket; choose a shorter state folder (--state)")
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    return listener

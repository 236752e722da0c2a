"""Reaching the Store: through the socket of an engine that runs here, else the Store itself: beside engines elsewhere
where it is shared, under its lock where it has one owner.

Both ways answer the same JSON API, so a command does not know which one it talks to. The engine itself is imported only
for the second: asking one that runs is the usual case, and quick.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from engine.cli.output import Exit, fail
from engine.console import PREFIX, said
from engine.core.errors import Permanent
from engine.core.jsonx import decode, encode
from engine.settings import Settings

T = TypeVar("T")
PATIENCE = 480.0  # seconds: a change waits for its tests and its turn, and then for every process


class Owner:
    """The API as a client sees it. `running` tells whether an engine works, here or elsewhere."""

    def __init__(self, client: httpx.AsyncClient, running: bool) -> None:
        self._client = client
        self.running = running

    async def get(self, path: str, **query: Any) -> Any:
        """A read. Ends the command with the API's own words when it is refused."""
        wanted = {name: _searched(name, value) for name, value in query.items() if value not in ("", None)}
        return _answer(await self._client.get(PREFIX + path, params=wanted))

    async def post(self, path: str, body: Any) -> Any:
        """A change."""
        headers = {"content-type": "application/json"}
        return _answer(await self._client.post(PREFIX + path, content=encode(body), headers=headers))


def _searched(name: str, value: Any) -> Any:
    """As the API judges it; here already, since not every text of a command line can be sent."""
    try:
        return said.searched(f"`{name}`", value) if isinstance(value, str) else value
    except Permanent as refused:
        fail(refused.detail, Exit.USAGE)


def _answer(response: httpx.Response) -> Any:  # noqa: RET503 - `fail` does not return
    try:
        value = decode(response.content)
    except ValueError:
        fail(f"the engine answered {response.status_code} with something that is not JSON", Exit.UNREACHABLE)
    if response.status_code < 400:
        return value
    told = value.get("error", {})
    code = {400: Exit.USAGE, 404: Exit.USAGE, 503: Exit.UNREACHABLE}.get(response.status_code, Exit.FAILED)
    fail(f"{told.get('reason', 'failed')}: {told.get('detail', '')}", code)


@asynccontextmanager
async def owner(settings: Settings, *, changes: bool = False) -> AsyncIterator[Owner]:
    """An engine that runs on this state folder, or its Store: beside those who use it, or owned for a change."""
    socket = await _answering(settings)
    if socket is not None:
        transport = httpx.AsyncHTTPTransport(uds=str(socket), verify=False)  # no TLS: reading certificates takes time
        async with httpx.AsyncClient(transport=transport, base_url="http://engine", timeout=PATIENCE) as client:
            yield Owner(client, True)
        return
    async with _here(settings, changes=changes) as reached:
        yield reached


@asynccontextmanager
async def _here(settings: Settings, *, changes: bool) -> AsyncIterator[Owner]:
    from engine.app import verbs_of
    from engine.console.api import make_app
    from engine.console.revisions import RevisionVerbs

    async with verbs_of(settings, changes=changes) as (control, reload):
        transport = httpx.ASGITransport(app=make_app(control, RevisionVerbs(reload, settings)))
        async with httpx.AsyncClient(transport=transport, base_url="http://engine", timeout=PATIENCE) as client:
            yield Owner(client, await control.live())


async def _answering(settings: Settings) -> Path | None:
    """The socket of a worker that takes calls."""
    for socket in settings.sockets():
        if not socket.exists():
            continue
        try:
            _, writer = await asyncio.open_unix_connection(str(socket))
        except OSError:
            continue  # left behind by a worker that was killed; another one may answer
        writer.close()
        return socket
    return None


def ask(
    settings: Settings, question: Callable[[Owner], Awaitable[T]], *, changes: bool = False, first: bool = False
) -> T:
    """Run one question to its end.

    changes   it decides something, so it needs the owner
    first     it may be the first thing that happens here; anything else finds nothing to change then, and is told so as
              a read is, which makes no database
    """

    async def main() -> T:
        async with owner(settings, changes=changes and (first or not settings.fresh)) as reached:
            return await question(reached)

    return asyncio.run(main())

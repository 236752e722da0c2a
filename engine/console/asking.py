"""What every request of the API is read with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request

from engine.console import said
from engine.core.errors import Permanent
from engine.core.jsonx import parse

MAX_BODY = 8 << 20
Handler = Callable[[Request], Awaitable[Any]]


async def body_of(request: Request) -> Mapping[str, Any]:
    """The JSON object that came. Raises Permanent `bad-request`, `bad-json`."""
    raw = await request.body()
    if len(raw) > MAX_BODY:
        raise Permanent("bad-request", f"the request is larger than {MAX_BODY} bytes")
    value = parse(raw)
    if not isinstance(value, dict):
        raise Permanent("bad-request", "the request is a JSON object")
    return value


def who(given: Mapping[str, Any]) -> tuple[str, str]:
    """Who decides, and why. Raises Permanent `bad-request`."""
    actor, reason = given.get("actor"), given.get("reason")
    if not isinstance(actor, str) or not actor.strip() or not isinstance(reason, str) or not reason.strip():
        raise Permanent("bad-request", "`actor` and `reason` are texts: who decides, and why")
    return said.actor(actor), said.reason(reason)


def text(request: Request, name: str) -> str:
    """A text of the query that is looked for; empty where it is not given. Raises Permanent `bad-request`."""
    return said.searched(f"`{name}`", request.query_params.get(name, ""))


def part(request: Request, name: str) -> str:
    """A part of the path: the id or number of something. Raises Permanent `bad-request`."""
    return said.searched(f"`{name}`", request.path_params[name])


def number(request: Request, name: str, default: int) -> int:
    """A whole number of the query. Raises Permanent `bad-request`."""
    given = request.query_params.get(name, str(default))
    if not given.isascii() or not given.isdigit() or len(given) > 9:
        raise Permanent("bad-request", f"`{name}` is a whole number")
    return int(given)

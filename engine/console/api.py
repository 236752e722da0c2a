"""The owner's JSON API: the verbs of Control over HTTP. The command line and the pages of a console are its clients.

GET  /api/v1/status | figures | health | audit | trace?text=..&name=..&and=KEY=VALUE | work?state=..&route=.. | work/{id}
POST /api/v1/work/{id}/edit | replay | resolve | discard      {"actor": .., "reason": .., "body": .. (edit only)}
and revisions, see `revisions`.

Errors are {"error": {"reason": .., "detail": ..}}:
400 unreadable request, 404 no such item or revision, 409 refused, 503 Store down.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.console import PREFIX, said
from engine.console.asking import Handler, body_of, number, part, text, who
from engine.console.revisions import RevisionVerbs
from engine.core.errors import Failure, Permanent, StoreDown
from engine.core.jsonx import encode
from engine.runtime.people.control import Control

STATES = ("open", "replayed", "resolved", "discarded")
_STATUS = {"bad-request": 400, "bad-json": 400, "no-such-item": 404, "no-such-revision": 404}


def make_app(control: Control, revisions: RevisionVerbs) -> Starlette:
    """The ASGI app over the verbs of one engine."""
    verbs = _Verbs(control, revisions)
    return Starlette(
        routes=[
            _get("/status", verbs.status),
            _get("/figures", verbs.figures),
            _get("/health", verbs.health),
            _get("/audit", verbs.audit),
            _get("/trace", verbs.trace),
            _get("/work", verbs.work_list),
            _get("/work/{id}", verbs.work_show),
            _post("/work/{id}/edit", verbs.work_edit),
            _post("/work/{id}/replay", verbs.decide(control.work_replay)),
            _post("/work/{id}/resolve", verbs.decide(control.work_resolve)),
            _post("/work/{id}/discard", verbs.decide(control.work_discard)),
            *(_route(method, path, handler) for method, path, handler in revisions.routes()),
        ]
    )


class _Verbs:
    """Requests into calls of Control."""

    def __init__(self, control: Control, revisions: RevisionVerbs) -> None:
        self._control = control
        self._revisions = revisions

    async def status(self, request: Request) -> Any:
        """With `revisions` as `revisions/now` has them; null while a running engine cannot reach the Store."""
        told = await self._control.status()
        with suppress(StoreDown):  # the status says so itself, by its `state`
            return {**told, "revisions": await self._revisions.standing(request)}
        return {**told, "revisions": None}

    async def health(self, request: Request) -> Any:
        return await self._control.health()

    async def figures(self, request: Request) -> Any:
        return await self._control.figures(*(text(request, name) for name in ("route", "since", "until")))

    async def audit(self, request: Request) -> Any:
        return await self._control.audit(number(request, "limit", 100))

    async def trace(self, request: Request) -> Any:
        wanted = text(request, "text")
        if not wanted:
            raise Permanent("bad-request", "`text` is missing: a business key, an event id or a trace id")
        pairs = [said.searched("`and`", one).partition("=") for one in request.query_params.getlist("and")]
        return await self._control.trace(wanted, text(request, "name"), [(name, value) for name, _, value in pairs])

    async def work_list(self, request: Request) -> Any:
        states = tuple(request.query_params.getlist("state")) or ("open",)
        if wrong := [state for state in states if state not in STATES]:
            raise Permanent("bad-request", f"`{wrong[0]}` is not a state; states are {', '.join(STATES)}")
        filters = {name: text(request, name) for name in ("route", "reason", "owner", "text", "name")}
        limit, offset = number(request, "limit", 100), number(request, "offset", 0)
        return await self._control.work_list(states, **filters, limit=limit, offset=offset)  # type: ignore[arg-type]

    async def work_show(self, request: Request) -> Any:
        return await self._control.work_show(part(request, "id"))

    async def work_edit(self, request: Request) -> Any:
        given = await body_of(request)
        if "body" not in given:
            raise Permanent("bad-request", "`body` is missing: what will be replayed")
        return await self._control.work_edit(part(request, "id"), given["body"], *who(given))

    def decide(self, verb: Callable[[str, str, str], Awaitable[Any]]) -> Handler:
        async def handle(request: Request) -> Any:
            return await verb(part(request, "id"), *who(await body_of(request)))

        return handle


def _get(path: str, handler: Handler) -> Route:
    return _route("GET", path, handler)


def _post(path: str, handler: Handler) -> Route:
    return _route("POST", path, handler)


def _route(method: str, path: str, handler: Handler) -> Route:
    return Route(PREFIX + path, _answering(handler), methods=[method])


def _answering(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return _json(await handler(request))
        except Permanent as failure:
            status = _STATUS.get(failure.reason, 409)
            return _json({"error": {"reason": failure.reason, "detail": failure.detail}}, status)
        except StoreDown as error:
            return _json({"error": {"reason": "store-down", "detail": str(error)}}, 503)
        except Failure as failure:
            return _json({"error": {"reason": failure.reason, "detail": failure.detail}}, 503)

    return answer


def _json(value: Any, status: int = 200) -> Response:
    return Response(encode(value), status, media_type="application/json")

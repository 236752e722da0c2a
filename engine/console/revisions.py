"""Revisions over HTTP: what would change, have it changed, what was, and back to it.

GET  /api/v1/revisions?limit=..             newest first
GET  /api/v1/revisions/now                  wanted and active, what each process says, the last edit that was not taken
GET  /api/v1/revisions/files                whether the project's files are what runs, and what keeps them from it
GET  /api/v1/revisions/diff?before=..&after=..
POST /api/v1/revisions/plan                 {"project": .., "settings": {..}}
POST /api/v1/revisions/apply                the same, and {"actor": .., "reason": .., "accept": [names of risks]}
POST /api/v1/revisions/{revision}/rollback  {"actor": .., "reason": .., "settings": {..}}

`project` is the folder whose files are meant, `settings` what the caller thinks the engine was started with (see
`Settings.started_with`): another folder and other settings are refused, nothing of that can be reloaded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.requests import Request

from engine.console.asking import Handler, body_of, number, part, text, who
from engine.core.errors import Permanent, TillflowError
from engine.runtime.reload.verbs import Reload
from engine.settings import Settings

LOOK = 5.0  # seconds for a look at the files by who only asks how things are
BEHIND_NEVER = "settings of the engine cannot be reloaded"


class RevisionVerbs:
    """Requests into calls of Reload."""

    def __init__(self, reload: Reload, settings: Settings) -> None:
        self._reload = reload
        self._settings = settings

    def routes(self) -> list[tuple[str, str, Handler]]:
        """(method, path, handler)."""
        return [
            ("GET", "/revisions", self._history),
            ("GET", "/revisions/now", self.standing),
            ("GET", "/revisions/files", self._files),
            ("GET", "/revisions/diff", self._diff),
            ("POST", "/revisions/plan", self._plan),
            ("POST", "/revisions/apply", self._apply),
            ("POST", "/revisions/{revision}/rollback", self._rollback),
        ]

    async def standing(self, request: Request) -> Any:
        return await self._reload.standing()

    async def _files(self, request: Request) -> Any:
        """`differ` null and `why`, where it cannot be told: that is no failure of who only asks how things are."""
        try:
            async with asyncio.timeout(LOOK):
                return {"project": str(self._settings.project), **await self._reload.files(), "why": ""}
        except TimeoutError:
            why = f"the files were not read within {LOOK:g} s; tests of a change may be running"
        except TillflowError as error:
            why = str(error)
        nothing: dict[str, Any] = {
            "differ": None,
            "revision": "",
            "errors": [],
            "refused": "",
            "watched": None,
            "why": why,
        }
        return {"project": str(self._settings.project), **nothing}

    async def _history(self, request: Request) -> Any:
        return await self._reload.history(number(request, "limit", 50))

    async def _diff(self, request: Request) -> Any:
        before, after = (text(request, name) for name in ("before", "after"))
        if not before or not after:
            raise Permanent("bad-request", "`before` and `after` are missing: numbers of revisions, or their ids")
        return await self._reload.compare(before, after)

    async def _plan(self, request: Request) -> Any:
        self._refuse(await body_of(request))
        return await self._reload.plan(await self._reload.read())

    async def _apply(self, request: Request) -> Any:
        given = await body_of(request)
        actor, reason = who(given)
        accept = given.get("accept", [])
        if not isinstance(accept, list) or not all(isinstance(name, str) for name in accept):
            raise Permanent("bad-request", "`accept` is a list of names of risks")
        self._refuse(given)
        return await self._reload.apply(await self._reload.read(), actor, reason, tuple(accept))

    async def _rollback(self, request: Request) -> Any:
        given = await body_of(request)
        self._refuse(given)
        return await self._reload.rollback(part(request, "revision"), *who(given))

    def _refuse(self, given: Mapping[str, Any]) -> None:
        """What is asked for cannot be done by an engine that was started otherwise."""
        project = given.get("project")
        if project is not None and Path(str(project)).resolve() != self._settings.project.resolve():
            text = f"the engine of this state folder runs the project {self._settings.project}, not {project}"
            raise Permanent("other-project", f"{text}; start another one there, with a state folder of its own")
        mine = self._settings.started_with()
        others = given.get("settings") or {}
        changed = sorted(name for name, value in others.items() if name in mine and mine[name] != value)
        if changed:
            text = f"{', '.join(changed)}: not what the engine was started with, and {BEHIND_NEVER}"
            raise Permanent(
                "not-reloadable", f"{text}. Stop the engine and start it again with the new value, or unset it here"
            )

"""Asking an outside system from the middle of a route: what `call` and `enrich` have in common."""

from __future__ import annotations

from typing import Any

from pydantic import Field, JsonValue

from engine.sdk import (
    BoundCall,
    Build,
    CallRequest,
    ConnectionRef,
    Frame,
    MappingRef,
    Note,
    Options,
    RawValues,
    digest_of,
)
from engine.steps.support.cache import Answer, Cache, ReplyCache
from engine.steps.support.waiting import context_of

TIMEOUT = 20.0
SHOWN: dict[str, JsonValue] = {"default": "20s"}
RETRIES = 2


class Retry(Options):
    """Trying again in place, while the event waits in the step."""

    times: int = Field(
        RETRIES, ge=0, le=5, description="how often it is tried again before the event itself is retried"
    )


class CallTarget(Options):
    """The one shape for reaching a system."""

    use: str = Field(description="the connector", examples=["core.http"])
    connection: ConnectionRef = Field(description="which configured instance of it")
    action: str = Field(description="what it shall do", examples=["lookup"])
    with_: RawValues = Field(default_factory=dict, alias="with", description="values of the request, by name")
    map: MappingRef | None = Field(None, description="mapping that makes the request's body")
    accept_duplicates_because: str | None = Field(
        None, description="why a doubled or lost effect of this action does no harm", min_length=1
    )

    def body(self, *, cached: bool) -> dict[str, Any]:
        """As it stands in the file, for `Build.call`; `cached`: answers are found again by what was asked."""
        named = {"use": self.use, "connection": self.connection, "action": self.action, "with": self.with_}
        others = {"map": self.map, "accept_duplicates_because": self.accept_duplicates_because, "cached": cached}
        return named | {name: value for name, value in others.items() if value}


class Asker:
    """Sends the request of a bound call, through a cache where there is one."""

    def __init__(
        self,
        bound: BoundCall,
        build: Build,
        *,
        timeout: float,
        retry: Retry | None,
        cache: Cache | None = None,
        effect: str = "",
    ) -> None:
        self.bound = bound
        self._step = build.step
        self._timeout = timeout
        self._retries = RETRIES if retry is None else retry.times
        self._effect = effect
        self._cache = ReplyCache(cache) if cache is not None else None

    async def ask(self, frame: Frame, data: Any) -> Answer:
        """The reply to the request made from `data`; one older than its `ttl` is noted. Raises Failure."""
        context = context_of(frame, self._step)
        request = CallRequest(
            step=self._step,
            connection=self.bound.connection,
            action=self.bound.action,
            request=self.bound.request(data, frame.env),
            event_id=frame.event.id,
            effect=self._effect,
            output_key=frame.output_key if self._effect else "",
            timeout=self._timeout,
            retries=self._retries,
        )
        if self._cache is None:
            return Answer(await context.call(request))
        answer = await self._cache.get(digest_of(request.request), context.clock, lambda: context.call(request))
        if answer.stale:
            self._note(frame, answer)
        return answer

    def _note(self, frame: Frame, answer: Answer) -> None:
        """Of many items of one step the first is told."""
        begin = f"{self._step}: "
        if not any(note.what == "stale-answer" and note.detail.startswith(begin) for note in frame.notes):
            frame.notes.append(Note("stale-answer", f"{begin}{answer.age:.0f} s old; {answer.failure}"))


__all__ = ["SHOWN", "TIMEOUT", "Asker", "CallTarget", "Retry"]

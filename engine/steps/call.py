"""Step type `call`."""

from __future__ import annotations

from pydantic import Field

from engine.sdk import UNKNOWN, Build, Duration, Frame, Path, SchemaRef, Shape, Step, conform, reaching, step
from engine.steps.support.cache import YES_OR_NO, Cache
from engine.steps.support.calling import SHOWN, TIMEOUT, Asker, CallTarget, Retry


@step("call")
class CallStep(Step):
    """Asks another system and puts its answer into the data.

    `call: {use: core.http, connection: crm, action: get, with: {path: customer.url}, into: customer}`. The limits and
    the breaker of the connection apply. `cache: {ttl: 5m, max_stale: 4h}` uses an answer again, asks once however many events wait for
    it, and serves an old one while the system is down; the journal says `stale-answer` then, and `cache: {.., stale_into:
    customer_stale}` puts into the data whether it was one. An action that changes something is claimed in the ledger
    under `effect` like a sink: its answer is recorded and used again when the event is delivered again.
    With `reply: tax.answer@1` the answer must follow that schema, and paths into it are checked before anything runs.
    On failure: an answer of another form is work item `schema-violation`; what may work later is tried again here, then with the event; a refusal is a work item at once; an
    action that may have had its effect is settled by its guarantee.
    """

    reaches = reaching("calls")

    class Config(CallTarget):
        into: Path | None = Field(None, description="where the answer goes; it is not kept when left out")
        reply: SchemaRef | None = Field(
            None, description="schema of the answer; without one any answer is taken", examples=["tax.answer@1"]
        )
        timeout: Duration = Field(
            TIMEOUT, json_schema_extra=SHOWN, description="how long one try may take", examples=["5s"]
        )
        retry: Retry | None = Field(None, description="trying again in place")
        cache: Cache | None = Field(None, description="using an answer again")
        effect: str | None = Field(
            None, description="stable name of the change; <route>/<step> when left out", min_length=1
        )

    def __init__(self, config: Config, build: Build) -> None:
        bound = build.call(config.body(cached=config.cache is not None))
        changes = bound.guarantee is not None
        if config.effect and not changes:
            build.finding("TF1167", f"`{bound.action}` only reads; it has no effect to name", "effect")
        if config.cache is not None:
            config.cache.check(build, "cache")
            if changes:
                build.finding("TF1167", f"`{bound.action}` changes something; its answer cannot be cached", "cache")
        self._asker = Asker(
            bound,
            build,
            timeout=config.timeout,
            retry=config.retry,
            cache=None if changes else config.cache,
            effect=(config.effect or f"{build.route}/{build.step}") if changes else "",
        )
        self._into = config.into
        self._reply = None if config.reply is None else build.validator(str(config.reply))
        self._shape = UNKNOWN if config.reply is None else build.shape_of(str(config.reply))
        self._stale_into = None if config.cache is None or changes else config.cache.stale_into

    async def run(self, frame: Frame) -> None:
        answer = await self._asker.ask(frame, frame.data)
        value = answer.value if self._reply is None else conform(self._reply, answer.value)
        if self._into is not None:
            frame.put(self._into, value)
        if self._stale_into is not None:
            frame.put(self._stale_into, answer.stale)

    def shape(self, shape: Shape) -> Shape:
        shape = shape if self._into is None else shape.with_path(self._into, self._shape)
        return shape if self._stale_into is None else shape.with_path(self._stale_into, YES_OR_NO)

"""Step type `throttle`."""

from __future__ import annotations

from pydantic import Field

from engine.sdk import Build, Frame, Key, Options, Rate, Step, key_parts, key_text, reaching, step
from engine.steps.support.waiting import context_of


@step("throttle")
class Throttle(Step):
    """Lets only so many events pass per time; the others wait their turn.

    `throttle: {rate: 50/s}` counts the whole route, over all processes; with `key: store.id` each store has a rate of
    its own. To protect one system, give its connection a `limits: {rate: ..}` instead: that covers every route.
    On failure: a key with a missing part is the work item `key-incomplete`. Waiting loses nothing: an event that
    waits when the engine stops is taken up again.
    """

    reaches = reaching("state")

    class Config(Options):
        rate: Rate = Field(description="how many events per time", examples=["50/s"])
        key: Key | None = Field(None, description="count apart for each value of this", examples=["store.id"])

    def __init__(self, config: Config, build: Build) -> None:
        self._rate = config.rate
        self._key = config.key
        self._name = f"{build.route}/{build.step}"
        self._id = build.step

    async def run(self, frame: Frame) -> None:
        context = context_of(frame, self._id)
        name = self._name
        if self._key is not None:
            name = f"{name}/{key_text(key_parts(self._key, frame.data, frame.env))}"
        await context.throttle(name, self._rate.count, self._rate.seconds)

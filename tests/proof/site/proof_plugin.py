"""A package of somebody else, installed by being on the path: steps and a synchronous source that proofs need."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field

from engine import sdk


class Nothing(sdk.Options):
    """No options."""


class StampOptions(sdk.Options):
    """What is written."""

    word: str = Field(description="what is written into `note`")


@sdk.step("stamp")
class Stamp(sdk.Step):
    """Writes a word into `note`."""

    Config = StampOptions

    def __init__(self, config: StampOptions, build: sdk.Build) -> None:
        self._word = config.word

    def run(self, frame: sdk.Frame) -> None:
        frame.data = sdk.put(frame.data, ["note"], self._word)


@sdk.step("deadly")
class Deadly(sdk.Step):
    """Kills the process at an event whose note is `deadly`; leaves it on purpose at one whose note is `leaving`."""

    Config = Nothing

    def __init__(self, config: Nothing, build: sdk.Build) -> None:
        """Nothing to prepare."""

    def run(self, frame: sdk.Frame) -> None:
        if frame.data.get("note") == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        if frame.data.get("note") == "leaving":
            sys.exit(0)


class Link(sdk.Connection):
    """Questions that wait for an answer. `asked` is filled by whoever holds the connector's module."""

    Config = Nothing
    asked: list[tuple[bytes, list[Any]]] = []  # noqa: RUF012 - shared with the test on purpose

    def __init__(self, config: Any) -> None:
        """Nothing to keep."""

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""


@sdk.source("proof")
class Asking(sdk.Source):
    """Hands on each question and puts its answer beside it: a reply, or the failure."""

    Config = Nothing
    default_format = "json"

    def __init__(self, config: Any, connection: Link, route: str) -> None:
        self._asked = connection.asked

    async def arrivals(self, ctx: sdk.SourceContext) -> AsyncIterator[sdk.Arrival]:
        while True:
            while self._asked:
                yield self._arrival(*self._asked.pop(0))
            await ctx.clock.sleep(0.01)

    def _arrival(self, content: bytes, answers: list[Any]) -> sdk.Arrival:
        async def ack(refused: int) -> None:
            answers.append("acked")

        async def release(failure: sdk.Failure) -> None:
            answers.append(failure.reason)

        async def reply(value: Any) -> None:
            answers.append(value)

        return sdk.Arrival("question", ack, release, content, reply=reply)


connector = sdk.Connector("proof", (Stamp, Deadly, Asking), Link, "what proofs need")

"""Step type `wire_tap`."""

from __future__ import annotations

from pydantic import Field

from engine.sdk import Build, Frame, Options, Output, Step, reaching, step


@step("wire_tap")
class WireTap(Step):
    """Sends a copy of the data as it is here to a sink of the route; the event itself goes on unchanged.

    `wire_tap: {sink: audit}`, with `audit` among the sinks of `to`: its `map`, `when` and retries apply. A sink named
    here gets the copies and never the route's result. The copy is published with everything else the event makes, so
    an event that fails or is tried again leaves no copy of a state that never was.
    Never fails by itself; a failing sink is a failed delivery like any other and does not touch the event.
    """

    reaches = reaching("calls")

    class Config(Options):
        sink: str = Field(description="id of a sink of this route", examples=["audit"], min_length=1)

    def __init__(self, config: Config, build: Build) -> None:
        build.tap(config.sink, "sink")
        self._sink = config.sink
        self._id = build.step

    def run(self, frame: Frame) -> None:
        # Two taps of one event may feed one sink: the step's id keeps their deliveries apart.
        key = f"{frame.output_key}|{self._id}" if frame.output_key else self._id
        frame.taps.append(Output(self._sink, key, frame.data, frame.schema))

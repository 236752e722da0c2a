"""core.schedule: ticks that happen once, at the right local time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from connectors.core.schedule import ScheduleSource
from connectors.core.schedule.config import ScheduleConfig
from connectors.core.schedule.cron import Cron
from engine.sdk import Arrival, Transient, tick_id
from engine.testing.contracts import InstantClock, MemorySourceContext, SourceContract, SourceSubject

pytestmark = pytest.mark.anyio
MADRID = ZoneInfo("Europe/Madrid")


def at(text: str) -> int:
    """A UTC moment in seconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def local(moments: list[int], zone: ZoneInfo = MADRID) -> list[str]:
    return [datetime.fromtimestamp(moment, zone).isoformat(timespec="minutes") for moment in moments]


def cron(text: str, after: str, count: int = 3) -> list[str]:
    return local(list(islice(Cron.parse(text, MADRID).after(at(after)), count)))


async def ticks(ctx: MemorySourceContext, count: int, **settings: Any) -> list[Arrival]:
    """The first ticks of a schedule, each taken in at once."""
    source = ScheduleSource(ScheduleConfig(**settings), None, "route")
    found: list[Arrival] = []
    arrivals = source.arrivals(ctx)
    async for arrival in arrivals:
        found.append(arrival)
        await arrival.ack(0)
        if len(found) == count:
            break
    await arrivals.aclose()  # type: ignore[attr-defined]
    return found


class TestScheduleContract(SourceContract):
    """Time brings the ticks: nothing has to be offered, and the same again never comes."""

    @asynccontextmanager
    async def subject(self) -> AsyncIterator[SourceSubject]:
        clock = WaitingClock()

        async def offer(number: int) -> None:
            clock.let(3600)

        ctx = MemorySourceContext(clock=clock)
        await ctx.advance("2026-03-14T09:20:00Z")
        make = lambda: ScheduleSource(ScheduleConfig(every="1h"), None, "contract")  # noqa: E731
        yield SourceSubject(make, offer, ctx)

    async def test_the_same_again_is_the_same(self) -> None:
        """Nobody offers a tick twice, but two processes may both bring it: then it has one id."""
        found: list[Arrival] = []
        for _ in range(2):
            ctx = MemorySourceContext()
            await ctx.advance("2026-03-14T09:20:00Z")
            found += await ticks(ctx, 2, every="1h")
        first, second, again, _ = (arrival.id for arrival in found)
        assert first == again and first != second


class WaitingClock(InstantClock):
    """Time passes only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self._passed = asyncio.Event()

    def let(self, seconds: float) -> None:
        self.advance(seconds)
        self._passed.set()
        self._passed = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        if seconds <= 5:  # a tick that was given back
            await asyncio.sleep(0)
        else:
            await self._passed.wait()


async def test_a_period_counts_from_a_moment_all_processes_share() -> None:
    found = await ticks(MemorySourceContext(), 3, every="15m")  # the clock stands at 09:20
    assert [arrival.value["tick"][11:16] for arrival in found] == ["09:30", "09:45", "10:00"]
    assert found[0].id == tick_id("route", found[0].value["tick"])


async def test_a_tick_says_when_it_is_locally() -> None:
    (found,) = await ticks(MemorySourceContext(), 1, at=["18:30"], zone="Europe/Madrid")
    assert found.value == {
        "tick": "2026-03-14T17:30:00Z",
        "local": "2026-03-14T18:30:00+01:00",
        "date": "2026-03-14",
        "route": "route",
    }


@pytest.mark.parametrize(
    "policy, expected",
    [("none", ["09:00"]), ("last", ["08:00", "09:00"]), ("all", ["06:00", "07:00", "08:00", "09:00"])],
)
async def test_what_was_missed_is_caught_up_as_told(policy: str, expected: list[str]) -> None:
    ctx = MemorySourceContext(clock=InstantClock(at("2026-03-14T08:20:00") * 1_000_000))
    await ctx.advance("2026-03-14T05:00:00Z")
    found = await ticks(ctx, len(expected), every="1h", catch_up=policy)
    assert [arrival.value["tick"][11:16] for arrival in found] == expected
    assert await ctx.cursor() == "2026-03-14T09:00:00Z"


async def test_a_tick_given_back_comes_again_before_the_next() -> None:
    source = ScheduleSource(ScheduleConfig(every="1h"), None, "route")
    arrivals = source.arrivals(MemorySourceContext())
    first = await anext(arrivals)
    await first.release(Transient("busy"))
    again = await anext(arrivals)
    await again.ack(0)
    following = await anext(arrivals)
    await arrivals.aclose()  # type: ignore[attr-defined]
    assert first.id == again.id
    assert following.id != first.id


def test_cron_fields() -> None:
    assert cron("0 6 * * mon-fri", "2026-03-13T06:00:00") == [
        "2026-03-16T06:00+01:00",
        "2026-03-17T06:00+01:00",
        "2026-03-18T06:00+01:00",
    ]
    assert cron("*/20 9 * * *", "2026-03-14T07:59:00") == [
        "2026-03-14T09:00+01:00",
        "2026-03-14T09:20+01:00",
        "2026-03-14T09:40+01:00",
    ]
    assert cron("0 0 1,15 * *", "2026-03-14T00:00:00", 2) == ["2026-03-15T00:00+01:00", "2026-04-01T00:00+02:00"]
    assert cron("0 0 29 2 *", "2026-03-14T00:00:00", 1) == ["2028-02-29T00:00+01:00"]
    assert cron("0 12 13 * fri", "2026-03-01T00:00:00", 3)[:2] == ["2026-03-06T12:00+01:00", "2026-03-13T12:00+01:00"]
    assert cron("0 0 * * 7", "2026-03-13T12:00:00", 1) == cron("0 0 * * 0", "2026-03-13T12:00:00", 1)


def test_a_time_the_clock_jumps_over_ticks_as_much_later_and_once() -> None:
    assert cron("30 2 * * *", "2026-03-28T12:00:00", 2) == ["2026-03-29T03:30+02:00", "2026-03-30T02:30+02:00"]
    assert cron("30 * * * *", "2026-03-29T00:00:00", 3) == [
        "2026-03-29T01:30+01:00",
        "2026-03-29T03:30+02:00",
        "2026-03-29T04:30+02:00",
    ]


def test_a_time_that_comes_twice_ticks_once_unless_every_hour_does() -> None:
    assert cron("30 2 * * *", "2026-10-24T12:00:00", 2) == ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]
    assert cron("30 * * * *", "2026-10-24T23:45:00", 3) == [
        "2026-10-25T02:30+02:00",
        "2026-10-25T02:30+01:00",
        "2026-10-25T03:30+01:00",
    ]


@pytest.mark.parametrize(
    "settings, code",
    [
        ({}, "TF5030"),
        ({"every": "1h", "at": ["06:00"]}, "TF5030"),
        ({"every": "100ms"}, "TF5031"),
        ({"at": ["06:00"], "zone": "CEST"}, "TF5032"),
        ({"at": ["24:30"]}, "TF5033"),
        ({"cron": "6 * *"}, "TF5034"),
        ({"cron": "0 25 * * *"}, "TF5034"),
        ({"cron": "0 6 * * fri-mon"}, "TF5034"),
        ({"cron": "*/0 * * * *"}, "TF5034"),
    ],
)
def test_schedules_that_are_none(settings: Any, code: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ScheduleConfig(**settings)
    assert caught.value.errors()[0]["ctx"]["code"] == code

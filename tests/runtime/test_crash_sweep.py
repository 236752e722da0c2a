"""The engine is killed at every durable write on the way from a file to the sinks, and started again.

Whatever the moment: each sale has its effect once, what is filtered is filtered, what fails is one work item, nothing
is left over, and the figures balance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.runtime.killing import Fate, killed_life
from tests.runtime.lab import Bench, Lab, bench, running, sale, settle, virtual
from tests.runtime.routes import FROM_SALES, SALES, route

BAD = '  - {id: small, check: [{that: "total < `1000`", otherwise: {work_item: too-much}}]}\n'
TRAINING = (
    "steps:\n  - {id: training, when: \"present(note) && note == 'training'\", filter: {reason: training-mode}}\n"
)
TWO_SINKS = """to:
  - {id: erp, use: lab, connection: outside, action: post, with: {reference: receipt, total: total}}
  - {id: stock, event: sale@1, when: "store == 'never'"}
"""
GROUPED = """steps:
  - id: daily
    aggregate:
      by: store
      complete: {within: 1h, count: 2}
      sum: {total: total}
      first: {store: store, receipt: receipt, date: date}
      output: sale@1
"""
DELAYED = "steps:\n  - {id: later, delay: {for: 5m}}\n"
DAY = [sale("1"), sale("2"), sale("3", note="training"), sale("4", total=5000)]


@dataclass
class Story:
    """A posting route, what comes in, and what must have become of it."""

    posting: str
    day: list[dict[str, Any]]
    effects: list[dict[str, Any]]
    reasons: list[str]
    patience: float = 120.0

    @property
    def files(self) -> dict[str, str]:
        return SALES | {"routes/posting.yaml": self.posting}


ONE, TWO = {"reference": "1", "total": 10}, {"reference": "2", "total": 10}
STORIES = {
    "financial": Story(route("posting", FROM_SALES + TRAINING + BAD + TWO_SINKS), DAY, [ONE, TWO], ["too-much"]),
    "plain": Story(
        route("posting", FROM_SALES + TRAINING + BAD + TWO_SINKS, "operational"), DAY, [ONE, TWO], ["too-much"]
    ),
    "grouped": Story(
        route("posting", FROM_SALES + GROUPED + TWO_SINKS), DAY[:2], [{"reference": "1", "total": 20}], [], 4000.0
    ),
    "delayed": Story(route("posting", FROM_SALES + DELAYED + TWO_SINKS), DAY[:2], [ONE, TWO], [], 1000.0),
}


async def live(made: Bench, story: Story, fate: Fate) -> bool:
    """One life with a fate; True when it was struck. What was not acked is offered again afterwards."""
    made.lab.offer(story.day, "day.json")
    await killed_life(made, story.files, fate, story.patience)
    return fate.struck.is_set()


async def writes_of(story: Story) -> int:
    async with bench() as made:
        fate = Fate()
        await live(made, story, fate)
        return fate.count


async def check(made: Bench, story: Story) -> None:
    by_key = {key: request for _, key, request in made.lab.sent}
    assert sorted(by_key.values(), key=str) == story.effects
    assert [item.reason for item in await made.items()] == story.reasons
    depths = await made.transport.depths()
    assert {address: depth for address, depth in depths.items() if depth.ready or depth.delayed} == {}
    async with running(made, story.files) as engine:
        figures = (await engine.control.figures())["figures"]
        assert all(one["balanced"] for one in figures), figures
        assert all(one["in_flight"] == 0 for one in figures), figures


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("done_first", [False, True], ids=["before the write", "after the write"])
@virtual
async def test_killed_at_any_write_every_sale_is_posted_once(name: str, done_first: bool) -> None:
    story = STORIES[name]
    total = await writes_of(story)
    assert total > 10
    for at in range(1, total + 1):
        async with bench() as made:
            struck = await live(made, story, Fate(at, done_first=done_first))
            async with running(made, story.files):
                if not made.lab.acked:
                    made.lab.inbox = Lab().inbox
                    made.lab.offer(story.day, "day.json")
                await settle(story.patience)
            assert struck, f"write {at} of {total} was never made"
            await check(made, story)

"""One of ten outside systems is away: the other nine get everything, and the one gets it when it is back.

How long the nine take is measured by tests/bench/isolation.py.
"""

from __future__ import annotations

import json

import pytest

from tests.faults import ten
from tests.faults.between import between
from tests.faults.conftest import Make
from tests.faults.story import Ground, Story
from tests.proof import till

pytestmark = pytest.mark.services

SALES = 60


def got(story: Story) -> dict[str, list[str]]:
    """Sink -> receipts it was posted, in order, as the outside wrote them down."""
    found: dict[str, list[str]] = {sink: [] for sink in ten.SINKS}
    for line in story.heard.read_text("utf-8").splitlines() if story.heard.exists() else []:
        one = json.loads(line)
        if one["what"] == "effect":
            found[one["name"]].append(one["body"]["reference"])
    return found


def test_nine_of_ten_go_on_without_the_tenth(make: Make, ground: Ground) -> None:
    with between(ground.outside.url) as way:
        cell = f"ten{way.proxy.port}"
        base = f"/{cell}/none"
        environ = ten.addresses(ground.outside.url + base, way.address.rstrip("/") + base)
        story = make(ground, ten.files(), cell=cell, environ=environ)
        way.away()
        for at in range(0, SALES, 10):
            story.drop(f"{at}.jsonl", till.written(map(till.sale, range(at, at + 10))))
        life = story.cast()
        nine = [sink for sink in ten.SINKS if sink != ten.LOST]
        story.until(life, lambda: all(len(got(story)[sink]) == SALES for sink in nine))
        assert got(story)[ten.LOST] == []
        assert story.items() == []
        way.back()
        story.until(life, lambda: len(got(story)[ten.LOST]) == SALES)
        story.until(life, lambda: not story.moving())
        assert life.stop(40.0) == 0
    receipts = sorted(till.sold(story.archive))
    assert len(receipts) == SALES
    assert {sink: sorted(found) for sink, found in got(story).items()} == dict.fromkeys(ten.SINKS, receipts)
    assert story.items() == []

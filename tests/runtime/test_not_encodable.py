"""What JSON cannot hold stops the one event it is in, by name, and never its route."""

from __future__ import annotations

import pytest

from engine.core.errors import Permanent
from engine.core.jsonx import digest_of, written
from engine.ports.secrets import Secret
from engine.runtime.people.dryrun import showable
from tests.runtime.lab import bench, running, sale, settle, virtual
from tests.runtime.routes import TO_ERP, posting

ASK = "  - {id: ask, call: {use: lab, connection: outside, action: ask, into: extra}}\n"
ALL = TO_ERP.replace("total: total", "extra: extra")
DELAY = "  - {id: later, delay: {for: 5m}}\n"
ODD = {"token": [1, Secret("tok", "s3cret", "1")]}


@pytest.mark.parametrize(
    ("steps", "where"), [(ASK, "erp"), (ASK + DELAY, "later"), (DELAY + ASK, "erp")], ids=["sink", "cut", "after"]
)
@virtual
async def test_one_event_is_a_work_item_and_its_neighbours_go_on(steps: str, where: str) -> None:
    async with bench() as made, running(made, posting("steps:\n" + steps, ALL)):
        made.lab.answers = [ODD]
        made.lab.offer([sale("1"), sale("2"), sale("3")])
        await settle(700)
        (item,) = await made.items()
        assert item.reason == "not-encodable" and f'"step":"{where}"' in item.data
        assert "token.2`" in item.detail and "s3cret" not in item.detail
        assert sorted(request["reference"] for request in made.lab.requests()) == sorted(
            {"1", "2", "3"} - {item.search.split('"key.2":"')[1][0]}
        )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": [{"b": object()}]}, "`a.1.b` holds a value of type object"),
        ({"a": "\ud800"}, "half a surrogate pair"),
        ({"a": {None: 1}}, "a key that is no text"),
    ],
)
def test_the_failure_says_where(value: object, said: str) -> None:
    with pytest.raises(Permanent, match="not-encodable") as failed:
        written(value)
    assert said in failed.value.detail


def test_a_digest_of_what_is_no_json_is_a_failure() -> None:
    with pytest.raises(Permanent, match="not-encodable"):
        digest_of(ODD)


def test_a_dry_run_shows_stars() -> None:
    assert showable(ODD) == {"token": [1, "***"]}

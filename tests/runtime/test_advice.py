"""What can be done about a work item, by its state, level and reason."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.core.errors import Permanent
from engine.ports.store.work import WorkItem
from engine.runtime.people.advice import helps, takes
from engine.runtime.people.work import delivery_item, record_item
from tests.runtime.support import DAY, bench, delivery, virtual

RECORD = record_item("ingest", "stores", "r1", b"raw", Permanent("bad-line"), now=1, day=DAY, headers={})


def refused(reason: str, detail: str = "", *, doubt: bool = False) -> WorkItem:
    return delivery_item(delivery(), Permanent(reason, detail), now=1, doubt=doubt)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (RECORD, ["edit", "replay", "resolve", "discard"]),
        (replace(RECORD, body=b""), ["resolve", "discard"]),
        (refused("conflict"), ["replay", "edit", "resolve", "discard"]),
        (refused("unreadable"), ["discard"]),
        (refused("sequence-gap"), ["resolve", "discard"]),
        (replace(RECORD, state="resolved"), []),
    ],
)
def test_only_what_would_be_taken_is_offered(item: WorkItem, expected: list[str]) -> None:
    assert takes(item) == expected


@virtual
async def test_common_reasons_have_a_way_out_that_names_the_connection() -> None:
    async with bench() as b:
        connection = next(sink.call.connection for sink in b.plans.all()[0].sinks if sink.call is not None)

        told = helps(refused("no-such-table", "there is no table x"), b.plans)
        assert told.startswith("create the table") and f"`{connection}`" in told and told.endswith("then replay")
        for item in (refused("conflict"), refused("refused", "UNIQUE constraint failed: sale.receipt")):
            told = helps(item, b.plans)
            assert "it is there already" in told and "discard" in told and "upsert" in told
        assert "look" in helps(refused("timeout", doubt=True), b.plans)
        assert helps(refused("odd"), b.plans) == ""


@virtual
async def test_of_a_request_that_a_rejected_revision_made_an_edit_is_advised_where_it_would_be_taken() -> None:
    made = {"number": 2, "state": "rejected"}
    async with bench() as b:
        told = helps(refused("no-such-table"), b.plans, made)
        assert "revision 2 made this request" in told and "edit it" in told and "First, create the table" in told
        told = helps(refused("timeout", doubt=True), b.plans, made)
        assert told.startswith("it may be there already") and "revision 2" in told and "edit" not in told
        assert helps(refused("odd"), b.plans, {**made, "state": "past"}) == ""

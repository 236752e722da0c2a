"""Work items: stable ids, everything needed to replay them, and nothing private where people read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import Permanent, Transient
from engine.core.jsonx import decode, encode
from engine.core.outcome import Failed
from engine.runtime.carrying.codec import Delivery, Routed, read_headers
from engine.runtime.people.shown import hide, restore
from engine.runtime.people.work import delivery_item, event_item, record_item
from tests.runtime.support import delivery, event, plan, planned_sink

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "name", "customer", "x"]), inner)
    ),
    max_leaves=12,
)


def test_the_same_failure_is_the_same_item_and_another_one_another() -> None:
    first = delivery_item(delivery(), Permanent("refused"), now=1)
    again = delivery_item(delivery(attempt=7), Transient("unreachable"), now=2)
    other = delivery_item(delivery(2), Permanent("refused"), now=1)

    assert first.id == again.id != other.id
    assert len(first.id) == 12


def test_a_delivery_item_holds_what_is_needed_to_send_it_again() -> None:
    one = delivery(attempt=3, schema="journal@1")

    item = delivery_item(one, Permanent("refused", "no", data={"status": 422}), now=5, owner="finance")

    assert Delivery.read(read_headers(item.headers), item.body) == one
    assert (item.subject, item.event_id, item.owner, item.attempts) == (one.id, one.event.id, "finance", 3)
    assert decode(item.data) == {"status": 422, "last_try": "1970-01-01T00:00:00.000005Z"}
    assert decode(item.search)["key.2"] == "1"


def test_an_event_item_holds_the_event_and_the_step_that_failed() -> None:
    routed = Routed(event(amount="12.50", currency="EUR"), attempt=2, segment="after-group")

    item = event_item(plan(planned_sink()), routed, Failed(Permanent("unknown-sku"), "products"), "rev", 9)

    assert Routed.read(read_headers(item.headers), item.body) == routed
    assert decode(item.data) == {"step": "products"}
    assert (item.amount, item.currency, item.owner, item.created) == ("12.50", "EUR", "finance", 9)


def test_a_record_item_is_found_by_its_file() -> None:
    item = record_item(
        "ingest",
        "stores",
        "record-1",
        b"raw",
        Permanent("corrupt"),
        now=1,
        day="2026-03-14",
        headers={"h-file": "a.csv"},
    )

    assert (item.level, item.body, decode(item.search)) == ("record", b"raw", {"file": "a.csv"})


def test_facts_that_are_no_json_do_not_keep_an_item_from_being_made() -> None:
    item = delivery_item(delivery(), Permanent("refused", data={"odd": {1, 2}}), now=1)

    assert "odd" in decode(item.data)


def test_private_paths_are_hidden_wherever_a_mapping_moved_them() -> None:
    body = {
        "customer": {"id": 4711, "tier": "gold"},
        "order": {"customer_id": "4711", "note": "call +34 600 123 456"},
        "lines": [{"customer": {"id": 1}, "sku": "4"}],
        "mail": "anna@example.org",
    }

    assert hide(body, ["customer.id"]) == {
        "customer": {"id": "***", "tier": "gold"},
        "order": {"customer_id": "***", "note": "call +** *** *** *56"},
        "lines": [{"customer": {"id": "***"}, "sku": "4"}],
        "mail": "a***@example.org",
    }


def test_an_edit_puts_back_what_was_hidden() -> None:
    original = {"customer": {"id": 4711}, "total": 5, "items": [{"customer": {"id": 1}}, {"customer": {"id": 2}}]}
    shown = hide(original, ["customer.id"])
    edited = {**shown, "total": 6, "items": [*shown["items"], {"customer": {"id": 3}}]}

    assert restore(edited, shown, original) == {
        "customer": {"id": 4711},
        "total": 6,
        "items": [{"customer": {"id": 1}}, {"customer": {"id": 2}}, {"customer": {"id": 3}}],
    }


def test_a_hidden_value_in_a_new_place_is_refused() -> None:
    original = {"customer": {"id": 4711}}
    shown = hide(original, ["customer.id"])

    with pytest.raises(Permanent, match="masked-value"):
        restore({"buyer": shown["customer"]}, shown, original)


@given(JSON)
def test_saving_what_was_shown_changes_nothing(original: object) -> None:
    private = ["customer.id", "name"]

    assert restore(decode(encode(hide(original, private))), hide(original, private), original) == original


def test_what_people_read_is_an_excerpt_and_the_body_is_whole() -> None:
    long = "0" * 5000
    failure = Permanent(
        "bad-number", f"`Total` is {long}, which is no number", data={"seen": [{"value": long}], "n": 7}
    )
    one = delivery(body={"total": long})
    routed = Routed(replace(event(), subject=f"A|{long}"))
    items = (
        record_item("sales", "o", "r", long.encode(), failure, now=1, day="2026-03-14", headers={"h-file": long}),
        event_item(plan(planned_sink()), routed, Failed(failure), "rev", 1),
        delivery_item(one, failure, now=1),
    )
    for item in items:
        assert len(item.detail) == 500
        assert item.detail.startswith("`Total` is 000") and item.detail.endswith("0, which is no number")
        assert "0\u20260" in item.detail
        assert len(decode(item.data)["seen"][0]["value"]) == 500 and decode(item.data)["n"] == 7
    record, routed_item, sent = items
    assert record.body == long.encode() and decode(sent.body) == {"total": long}
    assert decode(routed_item.search)["key.2"] == long, "it is found by its whole key"


def test_a_short_text_stays_as_it_is() -> None:
    text = "x" * 500
    assert delivery_item(delivery(), Permanent("refused", text), now=1).detail == text

"""Aggregate and delay: what is kept of an event, and what goes on afterwards."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import Failure, KeyIncomplete, Permanent
from engine.core.jsonx import decode
from engine.core.outcome import Kept
from engine.plugins.contracts import Cut
from engine.testing.clock import START
from tests.steps.support import TestBuild, World, codes_of, frame_of, planned_step

DAY = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "store": {"type": "string"},
        "sales": {"type": "integer"},
        "last_no": {"type": "string"},
        "receipts": {"type": "array", "items": {"type": "string"}},
        "totals": {"type": "object", "properties": {"gross": {"type": "number"}, "tips": {"type": "number"}}},
    },
}
WORLD = World(schemas={"store.day@1": DAY})
AGGREGATE: dict[str, Any] = {
    "by": ["store", "date"],
    "complete": {"within": "1h"},
    "sum": {"totals.gross": "gross", "totals.tips": {"expr": "tips", "optional": True}},
    "collect": {"receipts": "no"},
    "first": {"store": "store"},
    "last": {"last_no": "no"},
    "members": "sales",
    "output": "store.day@1",
}


def cut_of(step: dict[str, Any]) -> Cut:
    build = TestBuild(WORLD)
    planned = planned_step({"id": "it", **step}, build)
    assert build.findings == []
    assert isinstance(planned.step, Cut)
    return planned.step


def sale(no: str, gross: str, **more: Any) -> dict[str, Any]:
    return {"store": "0012", "date": "2026-03-14", "no": no, "gross": Decimal(gross), **more}


def keep(cut: Cut, data: Any) -> Kept:
    return cut.keep(frame_of(data, WORLD))


def test_a_group_is_the_exact_sum_of_its_members() -> None:
    cut = cut_of({"aggregate": AGGREGATE})
    kept = [keep(cut, sale(str(n), "0.10", **({"tips": 1} if n == 2 else {}))) for n in range(1, 4)]
    data, schema = cut.resume([k.body for k in kept])
    assert schema == "store.day@1"
    assert data == {
        "totals": {"gross": Decimal("0.30"), "tips": 1},
        "receipts": ["1", "2", "3"],
        "store": "0012",
        "last_no": "3",
        "sales": 3,
    }
    assert str(data["totals"]["gross"]) == "0.30"


def test_a_sum_that_nobody_could_read_again_is_refused_with_its_path() -> None:
    cut = cut_of({"aggregate": AGGREGATE})
    kept = [keep(cut, sale(str(n), "9" * 40)) for n in (1, 2)]
    assert str(cut.resume([kept[0].body])[0]["totals"]["gross"]) == "9" * 40
    with pytest.raises(Permanent, match="number-too-long: sum `totals") as caught:
        cut.resume([one.body for one in kept])
    assert caught.value.data["field"] == "totals.gross"


def test_a_member_says_its_group_how_long_it_waits_and_what_it_is_worth() -> None:
    kept = keep(cut_of({"aggregate": AGGREGATE}), sale("1", "5.00"))
    assert kept.kind == "group"
    assert kept.key == "0012|2026-03-14"
    assert kept.due == 3600.0
    assert (kept.close, kept.size, kept.amount) == ("", 0, "12.50")


def test_groups_are_told_apart_by_every_part_of_the_key() -> None:
    cut = cut_of({"aggregate": {**AGGREGATE, "by": ["a", "b"]}})
    keys = {keep(cut, sale("1", "1", a=a, b=b)).key for a, b in [("x|y", "z"), ("x", "y|z"), ("x", "z"), ("x\\", "z")]}
    assert len(keys) == 4


def test_the_number_of_members_is_fixed_or_said_by_the_event() -> None:
    fixed = cut_of({"aggregate": {**AGGREGATE, "complete": {"within": "1h", "count": 50}}})
    assert keep(fixed, sale("1", "1")).size == 50
    said = cut_of({"aggregate": {**AGGREGATE, "complete": {"within": "1h", "count": "batch.size"}}})
    assert keep(said, sale("1", "1", batch={"size": Decimal("3")})).size == 3
    for wrong in (0, Decimal("1.5"), "3", True, -1):
        with pytest.raises(Permanent, match="not-a-count"):
            keep(said, sale("1", "1", batch={"size": wrong}))
    with pytest.raises(Permanent, match="missing-value"):
        keep(said, sale("1", "1"))


def test_a_trailer_closes_the_group_and_counts() -> None:
    cut = cut_of({"aggregate": {**AGGREGATE, "complete": {"within": "1h", "trailer": "kind == 'close'"}}})
    assert keep(cut, sale("1", "1", kind="sale")).close == ""
    assert keep(cut, sale("2", "1", kind="close")).close == "trailer"
    unclear = cut_of({"aggregate": {**AGGREGATE, "complete": {"within": "1h", "trailer": "closing"}}})
    with pytest.raises(Permanent, match="not-yes-no"):
        keep(unclear, sale("1", "1"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"store": "0012", "no": "1", "gross": 1}, "key-incomplete"),
        ({**sale("1", "1"), "gross": None}, "missing-value"),
        ({**sale("1", "1"), "gross": "1.00"}, "not-a-number"),
        ({**sale("1", "1"), "gross": True}, "not-a-number"),
        ({**sale("1", "1"), "no": None}, "missing-value"),
    ],
)
def test_what_cannot_be_counted_is_in_no_group(data: Any, reason: str) -> None:
    with pytest.raises(Failure) as caught:
        keep(cut_of({"aggregate": AGGREGATE}), data)
    assert caught.value.reason == reason


def test_an_aggregate_remembers_which_item_of_a_split_it_kept() -> None:
    cut = cut_of({"aggregate": AGGREGATE})
    child = frame_of({}, WORLD).child(sale("1", "1"), "line-1")
    assert cut.keep(child).output_key == "line-1"


@given(
    st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**20), max_value=10**20), max_size=30
    )
)
def test_sums_are_exact_in_any_order(amounts: list[Decimal]) -> None:
    cut = cut_of({"aggregate": AGGREGATE})
    bodies = [keep(cut, {**sale(str(n), "0"), "gross": amount}).body for n, amount in enumerate(amounts)]
    forward, backward = cut.resume(bodies)[0], cut.resume(bodies[::-1])[0]
    exact = sum(int(amount.scaleb(4)) for amount in amounts)
    assert Decimal(forward["totals"]["gross"]).scaleb(4) == exact
    assert forward["totals"] == backward["totals"]
    assert forward["sales"] == len(amounts)


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"complete": {}}, ["model"]),
        ({"complete": {"within": "1h", "count": 0}}, ["TF1120"]),
        ({"complete": {"within": "soon"}}, ["TF1124"]),
        ({"first": {"receipts": "no"}}, ["TF1173"]),
        ({"sum": {"totals.gross": "gross", "a[0]": "gross"}}, ["TF1127"]),
        ({"sum": {}, "collect": {}, "first": {}, "last": {}, "members": None}, ["TF1173"]),
        ({"output": None}, ["TF1120"]),
    ],
)
def test_aggregates_that_do_not_fit(change: dict[str, Any], codes: list[str]) -> None:
    body = {**AGGREGATE, **change}
    assert codes_of({"aggregate": {k: v for k, v in body.items() if v is not None or k == "output"}}, WORLD) == codes


def test_a_path_the_output_does_not_have_is_a_finding() -> None:
    assert len(codes_of({"aggregate": {**AGGREGATE, "last": {"last_on": "no"}}}, WORLD)) == 1


def test_a_delayed_event_goes_on_as_it_was() -> None:
    cut = cut_of({"delay": {"for": "15m"}})
    frame = frame_of({"a": Decimal("1.10"), "id": 9007199254740993}, WORLD, schema="sale@1")
    kept = cut.keep(frame)
    assert (kept.kind, kept.key, kept.due) == ("timer", frame.event.id, 900.0)
    data, schema = cut.resume([kept.body])
    assert (data, schema) == (frame.data, "sale@1")
    assert str(data["a"]) == "1.10"
    assert decode(kept.body)["schema"] == "sale@1"


@pytest.mark.parametrize(
    ("moment", "due"),
    [
        ("2026-03-14T09:30:00Z", 600.0),
        ("2026-03-14T10:30:00+01:00", 600.0),
        ("2026-03-15", 52_800.0),
        ("2026-03-14T09:00:00Z", 0.001),  # passed already: at once, and still a timer
    ],
)
def test_a_delay_until_a_moment(moment: str, due: float) -> None:
    assert START == 1_773_480_000_000_000, "2026-03-14T09:20:00Z"
    kept = keep(cut_of({"delay": {"until": "promised"}}), {"promised": moment})
    assert kept.due == pytest.approx(due)


@pytest.mark.parametrize("moment", [None, 5, "tomorrow", "2026-03-14T09:30:00", "2026-13-01", ["2026-03-14"]])
def test_a_moment_nobody_can_read_is_a_work_item(moment: Any) -> None:
    with pytest.raises(Permanent, match="not-a-moment"):
        keep(cut_of({"delay": {"until": "promised"}}), {"promised": moment})


@pytest.mark.parametrize("body", [{}, {"for": "1m", "until": "promised"}])
def test_a_delay_has_one_end(body: dict[str, Any]) -> None:
    assert codes_of({"delay": body}, WORLD) == ["TF1169"]


def test_a_cut_is_never_run() -> None:
    with pytest.raises(TypeError, match="cut"):
        cut_of({"delay": {"for": "1m"}}).run(frame_of({}, WORLD))


def test_a_missing_key_is_told_apart_from_other_failures() -> None:
    with pytest.raises(KeyIncomplete):
        keep(cut_of({"aggregate": AGGREGATE}), {"store": "1", "date": None, "no": "1", "gross": 1})

"""Steps that wait for something outside: call, enrich through a call, throttle, claim check; and containers of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from inspect import isawaitable
from typing import Any

import pytest

from engine.core.errors import Failure, Permanent, Transient, UnknownOutcome
from engine.core.outcome import Filtered, Output
from engine.plugins.contracts import CallRequest
from engine.plugins.frame import Frame, Signal, Split
from engine.plugins.sequence import StepFailed, StepSequence
from engine.testing.clock import run_virtual
from tests.steps.support import EVENT, TestBuild, TestContext, World, codes_of, frame_of, planned_step, sequence_of

Answer = Callable[[CallRequest], Any]
CRM = {"use": "core.http", "connection": "crm", "action": "get"}


def raising(failure: Failure) -> Answer:
    def answer(request: CallRequest) -> Any:
        raise failure

    return answer


def run(
    sequence: StepSequence, data: Any, answer: Answer = lambda request: None, world: World | None = None
) -> tuple[Frame, Signal | None, TestContext]:
    async def main() -> tuple[Frame, Signal | None, TestContext]:
        context = TestContext(answer)
        frame = frame_of(data, world or World(), context=context)
        result = sequence.run(frame)
        return frame, await result if isawaitable(result) else result, context

    return run_virtual(main())


def test_a_call_asks_and_puts_the_answer_into_the_data() -> None:
    sequence = sequence_of(
        {
            "id": "customer",
            "call": {**CRM, "with": {"id": "customer.id", "kind": {"const": "full"}}, "into": "crm.found"},
        }
    )
    frame, _, context = run(sequence, {"customer": {"id": "7"}}, lambda request: {"level": Decimal("1.50")})
    assert frame.data == {"customer": {"id": "7"}, "crm": {"found": {"level": Decimal("1.50")}}}
    (request,) = context.requests
    assert request.request == {"id": "7", "kind": "full"}
    assert (request.connection, request.action, request.step) == ("crm", "get", "customer")
    assert (request.effect, request.output_key, request.timeout, request.retries) == ("", "", 20.0, 2)
    assert request.event_id == EVENT.id


@pytest.mark.parametrize(("answer", "reason"), [({"level": 1}, ""), ({"lvl": 1}, "schema-violation")])
def test_an_answer_follows_the_schema_it_has(answer: dict[str, Any], reason: str) -> None:
    schema = {"type": "object", "required": ["level"], "properties": {"level": {"type": "integer"}}}
    world = World(schemas={"customer@1": schema})
    sequence = sequence_of({"id": "a", "call": {**CRM, "into": "x", "reply": "customer@1"}}, world=world)
    if not reason:
        assert run(sequence, {}, lambda request: answer, world)[0].data == {"x": answer}
        return
    with pytest.raises(StepFailed) as caught:
        run(sequence, {}, lambda request: answer, world)
    assert caught.value.failure.reason == reason


def test_an_answer_without_a_place_is_not_kept() -> None:
    frame, _, context = run(sequence_of({"id": "a", "call": CRM}), {"x": 1}, lambda request: {"y": 2})
    assert frame.data == {"x": 1}
    assert len(context.requests) == 1


def test_timeout_and_retries_are_the_steps_own() -> None:
    sequence = sequence_of({"id": "a", "call": {**CRM, "timeout": "500ms", "retry": {"times": 0}, "into": "x"}})
    _, _, context = run(sequence, {})
    assert (context.requests[0].timeout, context.requests[0].retries) == (0.5, 0)


def test_a_call_that_changes_something_has_a_stable_effect_and_the_key_of_its_item() -> None:
    world = World(guarantees={"reserve": "idempotency_key"})
    sequence = sequence_of(
        {"id": "s", "split": {"in": "items", "key": "no"}},
        {"id": "hold", "call": {**CRM, "action": "reserve", "with": {"no": "no"}, "into": "held"}},
        world=world,
    )
    _, result, context = run(
        sequence, {"items": [{"no": 1}, {"no": 2}]}, lambda request: request.request["no"] * 10, world
    )
    assert [(r.effect, r.output_key) for r in context.requests] == [("sales/hold", "1"), ("sales/hold", "2")]
    assert isinstance(result, Split)
    assert [f.data["held"] for f in result.frames] == [10, 20]
    named = sequence_of({"id": "hold", "call": {**CRM, "action": "reserve", "effect": "hold-stock"}}, world=world)
    assert run(named, {}, world=world)[2].requests[0].effect == "hold-stock"


def test_cached_answers_are_used_for_the_same_request_only() -> None:
    sequence = sequence_of({"id": "a", "call": {**CRM, "with": {"id": "id"}, "into": "x", "cache": {"ttl": "5m"}}})

    async def main() -> None:
        context = TestContext(lambda request: request.request["id"] + "!")
        frames = [frame_of({"id": name}, World(), context=context) for name in "aabab"]
        for frame in frames:
            result = sequence.run(frame)
            assert isawaitable(result)
            await result
        assert [frame.data["x"] for frame in frames] == ["a!", "a!", "b!", "a!", "b!"]
        assert len(context.requests) == 2

    run_virtual(main())


@pytest.mark.parametrize(
    ("step", "codes"),
    [
        ({"call": {**CRM, "effect": "x"}}, ["TF1167"]),
        ({"call": {**CRM, "action": "post", "cache": {"ttl": "1m"}}}, ["TF1167"]),
        ({"call": {**CRM, "cache": {"ttl": "1h", "max_stale": "1m"}}}, ["TF1168"]),
        ({"call": {**CRM, "cache": {"ttl": "1h", "stale_into": "old"}}}, ["TF1168"]),
        ({"call": {**CRM, "with": ["id"]}}, ["TF1132"]),
        ({"call": {**CRM, "retry": {"times": 99}}}, ["model"]),
        ({"call": {"connection": "crm", "action": "get"}}, ["model"]),
    ],
)
def test_calls_that_do_not_fit(step: dict[str, Any], codes: list[str]) -> None:
    assert codes_of(step, World(guarantees={"post": "upsert"})) == codes


def test_a_failing_call_is_a_failure_of_its_step_and_changes_nothing() -> None:
    sequence = sequence_of({"id": "a", "call": {**CRM, "into": "x"}})

    async def main() -> None:
        frame = frame_of({"y": 1}, World(), context=TestContext(raising(Transient("unreachable"))))
        result = sequence.run(frame)
        assert isawaitable(result)
        with pytest.raises(StepFailed) as caught:
            await result
        assert (caught.value.step, caught.value.failure.reason) == ("a", "unreachable")
        assert frame.data == {"y": 1}

    run_virtual(main())


def test_without_an_engine_a_call_says_so() -> None:
    async def main() -> None:
        result = sequence_of({"id": "ask", "call": CRM}).run(frame_of({}, World()))
        assert isawaitable(result)
        with pytest.raises(StepFailed, match="needs-engine: step ask"):
            await result

    run_virtual(main())


def test_enrich_asks_for_every_item_once_per_request() -> None:
    enrich = {
        "each": {"in": "lines", "as": "line"},
        "call": {**CRM, "with": {"sku": "line.sku", "store": "store"}},
        "into": "line.price",
        "cache": {"ttl": "5m"},
    }
    lines = [{"sku": "a"}, {"sku": "b"}, {"sku": "a"}]
    frame, _, context = run(
        sequence_of({"id": "p", "enrich": enrich}),
        {"store": "12", "lines": lines},
        lambda request: {"amount": len(request.request["sku"])},
    )
    assert [line["price"] for line in frame.data["lines"]] == [{"amount": 1}] * 3
    assert [r.request for r in context.requests] == [{"sku": "a", "store": "12"}, {"sku": "b", "store": "12"}]
    assert lines == [{"sku": "a"}, {"sku": "b"}, {"sku": "a"}]


def test_an_answer_of_nothing_is_missing() -> None:
    enrich = {
        "call": {**CRM, "with": {"sku": "sku"}},
        "into": "price",
        "missing": {"work_item": "no-price", "owner": "x"},
    }
    with pytest.raises(StepFailed) as caught:
        run(sequence_of({"id": "p", "enrich": enrich}), {"sku": "a"})
    assert caught.value.failure.reason == "no-price"
    assert caught.value.failure.data["owner"] == "x"


def test_concurrent_events_that_miss_the_same_entry_ask_once() -> None:
    enrich = {"call": {**CRM, "with": {"sku": "sku"}}, "into": "price", "cache": {"ttl": "5m", "max_stale": "1h"}}
    sequence = sequence_of({"id": "p", "enrich": enrich})

    async def main() -> None:
        context = TestContext(lambda request: {"amount": 1}, takes=1.0)
        frames = [frame_of({"sku": "a"}, World(), context=context) for _ in range(100)]
        results = [sequence.run(frame) for frame in frames]
        await asyncio.gather(*(result for result in results if isawaitable(result)))
        assert len(context.requests) == 1
        assert all(frame.data == {"sku": "a", "price": {"amount": 1}} for frame in frames)

    run_virtual(main())


def test_throttle_waits_for_a_turn_under_the_route_and_the_key() -> None:
    sequence = sequence_of(
        {"id": "slow", "throttle": {"rate": "50/s"}},
        {"id": "each", "throttle": {"rate": "600/5m", "key": ["store", "no"]}},
    )
    _, _, context = run(sequence, {"store": "0012", "no": 3})
    assert context.turns == [("sales/slow", 50, 1.0), ("sales/each/0012|3", 600, 300.0)]


def test_throttle_refuses_a_key_with_a_missing_part() -> None:
    with pytest.raises(StepFailed, match="key-incomplete"):
        run(sequence_of({"id": "each", "throttle": {"rate": "1/s", "key": "store"}}), {"no": 3})


def test_a_large_value_is_put_aside_and_comes_back_exactly() -> None:
    check_in = {"id": "in", "claim_check": {"path": "doc.image", "above": "1KiB"}}
    restore = {"id": "out", "claim_check": {"path": "doc.image", "restore": True}}
    image = {"bytes": "x" * 2000, "price": Decimal("1.10"), "id": 9007199254740993}
    frame, _, context = run(sequence_of(check_in), {"doc": {"image": image, "no": 1}})
    ticket = frame.data["doc"]["image"]
    assert set(ticket) == {"$blob", "size"}
    assert ticket["size"] > 2000
    assert list(context.blobs.content) == [ticket["$blob"]]
    assert frame.data["doc"]["no"] == 1
    both, _, _ = run(sequence_of(check_in, restore), {"doc": {"image": image, "no": 1}})
    assert both.data == {"doc": {"image": image, "no": 1}}
    assert str(both.data["doc"]["image"]["price"]) == "1.10"


def test_the_whole_data_can_be_put_aside() -> None:
    data = {"lines": ["x" * 400_000]}
    check_in, restore = {"id": "in", "claim_check": {}}, {"id": "out", "claim_check": {"restore": True}}
    assert set(run(sequence_of(check_in), data)[0].data) == {"$blob", "size"}
    assert run(sequence_of(check_in, restore), data)[0].data == data


def test_a_small_or_missing_value_stays() -> None:
    sequence = sequence_of(
        {"id": "in", "claim_check": {"path": "image"}}, {"id": "out", "claim_check": {"restore": True}}
    )
    for data in ({"image": "small"}, {"other": 1}, {"image": None}):
        frame, _, context = run(sequence, data)
        assert frame.data == data
        assert context.blobs.content == {}


def test_a_ticket_whose_content_is_gone_is_a_work_item() -> None:
    sequence = sequence_of({"id": "out", "claim_check": {"path": "image", "restore": True}})
    with pytest.raises(StepFailed, match="claim-check-lost"):
        run(sequence, {"image": {"$blob": "0" * 64, "size": 5}})


def test_try_catches_a_permanent_failure_of_a_waiting_step() -> None:
    sequence = sequence_of(
        {
            "id": "t",
            "try": {
                "steps": [{"id": "a", "call": {**CRM, "into": "x"}}],
                "catch": {
                    "reasons": ["refused"],
                    "steps": [{"id": "b", "set": {"why": "error.detail", "at": "error.step"}}],
                },
            },
        }
    )
    frame, _, _ = run(sequence, {"y": 1}, raising(Permanent("refused", "no such customer")))
    assert frame.data == {"y": 1, "why": "no such customer", "at": "a"}


@pytest.mark.parametrize("failure", [Transient("unreachable"), UnknownOutcome("no-answer")])
def test_try_leaves_what_may_work_later_to_the_engine(failure: Failure) -> None:
    sequence = sequence_of(
        {
            "id": "t",
            "try": {"steps": [{"id": "a", "call": CRM}], "catch": {"steps": [{"id": "b", "filter": {"reason": "x"}}]}},
        }
    )
    with pytest.raises(StepFailed) as caught:
        run(sequence, {}, raising(failure))
    assert caught.value.failure is failure


def test_catch_steps_may_wait_too() -> None:
    def answer(request: CallRequest) -> Any:
        if request.step == "a":
            raise Permanent("refused")
        return {"stand_in": True}

    sequence = sequence_of(
        {
            "id": "t",
            "try": {
                "steps": [{"id": "a", "call": {**CRM, "into": "x"}}],
                "catch": {"steps": [{"id": "b", "call": {**CRM, "with": {"why": "error.reason"}, "into": "x"}}]},
            },
        }
    )
    frame, _, context = run(sequence, {"y": 1}, answer)
    assert frame.data == {"y": 1, "x": {"stand_in": True}}
    assert context.requests[1].request == {"why": "refused"}


def test_a_waiting_branch_goes_on_with_the_steps_after_it() -> None:
    sequence = sequence_of(
        {"id": "c", "choose": [{"otherwise": True, "steps": [{"id": "a", "call": {**CRM, "into": "x"}}]}]},
        {"id": "f", "when": "x == `5`", "filter": {"reason": "five"}},
    )
    _, result, _ = run(sequence, {}, lambda request: 5)
    assert result == Filtered("five", "f")


def test_a_wire_tap_keeps_a_copy_of_the_data_as_it_was() -> None:
    world = World(sinks=("audit",))
    sequence = sequence_of(
        {"id": "before", "wire_tap": {"sink": "audit"}},
        {"id": "change", "set": {"x": {"const": 2}}},
        {"id": "after", "wire_tap": {"sink": "audit"}},
        world=world,
    )
    frame, _, _ = run(sequence, {"x": 1}, world=world)
    assert frame.taps == [Output("audit", "before", {"x": 1}), Output("audit", "after", {"x": 2})]
    assert frame.data == {"x": 2}


def test_wire_taps_after_a_split_tell_its_items_apart() -> None:
    world = World(sinks=("audit",))
    sequence = sequence_of(
        {"id": "s", "split": {"in": "items", "key": "no"}}, {"id": "tap", "wire_tap": {"sink": "audit"}}, world=world
    )
    frame, _, _ = run(sequence, {"items": [{"no": 1}, {"no": 2}]}, world=world)
    assert [(tap.output_key, tap.body) for tap in frame.taps] == [("1|tap", {"no": 1}), ("2|tap", {"no": 2})]


def test_what_a_failed_try_has_tapped_never_was() -> None:
    world = World(sinks=("audit",))
    sequence = sequence_of(
        {
            "id": "t",
            "try": {
                "steps": [{"id": "tap", "wire_tap": {"sink": "audit"}}, {"id": "a", "set": {"x": "nothing"}}],
                "catch": {"steps": [{"id": "b", "set": {"y": {"const": 1}}}]},
            },
        },
        world=world,
    )
    frame, _, _ = run(sequence, {"z": 1}, world=world)
    assert frame.taps == []
    assert frame.data == {"z": 1, "y": 1}


def test_a_wire_tap_needs_a_sink_of_the_route() -> None:
    world = World(sinks=("audit",))
    assert codes_of({"wire_tap": {"sink": "audti"}}, world) == ["TF3000"]
    build = TestBuild(world)
    planned_step({"wire_tap": {"sink": "audit"}}, build)
    assert build.taps == ["audit"]

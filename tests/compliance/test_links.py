"""Chains are watched from both ends: every order of arrival ends in the whole chain, and no fork is joined."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.compliance.support.links import REMEMBERED, Link, Rules, joined
from engine.core.errors import Rejected, Transient

RULES = Rules()


def chain(size: int) -> list[Link]:
    names = ["", *(f"{n:032x}" for n in range(1, size + 1))]
    return [Link(names[n], names[n - 1], n == 1) for n in range(1, size + 1)]


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 12), st.randoms(use_true_random=False))
def test_every_order_of_arrival_ends_in_the_whole_chain(size: int, order: random.Random) -> None:
    links = chain(size)
    waiting = [*links]
    order.shuffle(waiting)
    state: dict[str, Any] | None = None
    rounds = 0
    while waiting:
        rounds += 1
        assert rounds <= size + 1
        later = []
        for link in waiting:
            try:
                state = joined(state, link, RULES)
            except Transient:
                later.append(link)
        waiting = later
    assert state is not None
    assert (state["head"], state["tail"]) == (links[-1].own, "")


def test_a_second_successor_is_a_fork() -> None:
    first, second = chain(2)
    state = joined(joined(None, first, RULES), second, RULES)
    with pytest.raises(Rejected, match="fiscal-chain-forked"):
        joined(state, Link("f" * 32, first.own), RULES)
    with pytest.raises(Rejected, match="fiscal-chain-forked"):
        joined(state, Link("f" * 32, "", True), RULES)


def test_a_record_that_came_already_is_told() -> None:
    first, second = chain(2)
    state = joined(joined(None, first, RULES), second, RULES)
    with pytest.raises(Rejected, match="fiscal-record-repeated"):
        joined(state, second, RULES)


def test_what_cannot_be_joined_waits_or_is_refused() -> None:
    first, _, third = chain(3)
    state = joined(None, first, RULES)
    with pytest.raises(Transient, match="fiscal-chain-gap"):
        joined(state, third, RULES)
    with pytest.raises(Rejected, match="fiscal-chain-broken"):
        joined(state, third, Rules(missing="refuse"))


def test_a_chain_that_has_to_begin_with_its_first_record() -> None:
    first, second = chain(2)
    with pytest.raises(Transient, match="fiscal-chain-gap"):
        joined(None, second, Rules(begin="first"))
    assert joined(None, first, Rules(begin="first"))["head"] == first.own


def test_the_state_stays_small() -> None:
    state = None
    for link in chain(REMEMBERED * 3):
        state = joined(state, link, RULES)
    assert state is not None and len(state["seen"]) == REMEMBERED

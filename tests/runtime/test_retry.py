"""The table of failure classes, for every failure, guarantee, attempt and moment."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from engine.compile.plan import Retry
from engine.core.errors import Failure, Permanent, Throttled, Transient, UnknownOutcome
from engine.runtime.delivery.retry import TIERS, Try, backoff, decide, next_delay, tier_up
from tests.runtime.support import GUARANTEES

NOW = 1_773_480_000_000_000
RETRIES = st.builds(
    Retry,
    first=st.floats(0.1, 100),
    max=st.floats(1, 7200),
    factor=st.floats(1, 10),
    give_up_after=st.floats(1, 1_000_000),
)
TRIES = st.builds(
    Try,
    attempt=st.integers(1, 200),
    since=st.integers(NOW - 10**12, NOW),
    now=st.just(NOW),
    guarantee=st.sampled_from(GUARANTEES),
    quiet=st.floats(0, 300),
    free=st.booleans(),
)
FAILURES: st.SearchStrategy[Failure] = st.one_of(
    st.just(Transient("down")),
    st.just(Permanent("refused")),
    st.just(UnknownOutcome("lost")),
    st.builds(lambda after: Throttled("slow-down", after=after), st.floats(0, 200_000)),
)


@given(FAILURES, TRIES, RETRIES, st.integers())
def test_every_decision_follows_the_table(failure: Failure, tried: Try, retry: Retry, seed: int) -> None:
    decision = decide(failure, tried, retry, Random(seed))

    elapsed = (tried.now - tried.since) / 1_000_000
    if failure.kind == "permanent":
        assert not decision.again and not decision.doubt
    if failure.kind == "unknown_outcome":
        assert decision.doubt
        assert tried.guarantee != "at_most_once" or not decision.again
    if decision.again:
        assert decision.delay in TIERS
        assert elapsed <= retry.give_up_after
    if decision.again and failure.kind in ("transient", "unknown_outcome"):
        assert decision.attempt == tried.attempt + (0 if tried.free else 1)
    if decision.again and failure.kind == "unknown_outcome" and tried.guarantee == "verify":
        assert decision.delay >= min(tried.quiet, TIERS[-1])
    if decision.again and isinstance(failure, Throttled):
        assert decision.attempt == tried.attempt, "being asked to wait costs no attempt"
        assert decision.delay >= failure.after or decision.due >= failure.after, "Retry-After is never undershot"


@given(RETRIES, st.integers(1, 50), st.integers())
def test_a_backoff_goes_to_the_next_tier_up_or_its_neighbour_below(retry: Retry, attempt: int, seed: int) -> None:
    delay = next_delay(retry, attempt, NOW, NOW, Random(seed))

    up = TIERS.index(tier_up(backoff(retry, attempt)))
    if delay is None:
        assert TIERS[max(0, up - 1)] > retry.give_up_after or TIERS[up] > retry.give_up_after
    else:
        assert delay in TIERS[max(0, up - 1) : up + 1]


@given(RETRIES, st.integers())
def test_all_tries_end_within_give_up_after(retry: Retry, seed: int) -> None:
    rng, now, attempt = Random(seed), NOW, 1
    while attempt < 500:
        delay = next_delay(retry, attempt, NOW, now, rng)
        if delay is None:
            break
        now += round(delay * 1_000_000)
        attempt += 1

    assert (now - NOW) / 1_000_000 <= retry.give_up_after


def test_backoff_grows_by_its_factor_up_to_its_longest() -> None:
    retry = Retry(first=1, max=100, factor=3)

    assert [backoff(retry, attempt) for attempt in (1, 2, 3, 4, 5, 6, 50)] == [1, 3, 9, 27, 81, 100, 100]


def test_jitter_uses_both_neighbours() -> None:
    delays = {next_delay(Retry(first=20), 1, NOW, NOW, Random(seed)) for seed in range(50)}

    assert delays == {5.0, 30.0}

"""What follows from a failure: one table, for deliveries and for events in the router.

  class             next copy    attempt   when                              at the end
  transient         yes          n + 1     backoff, up to give_up_after      work item
  throttled         yes          n         not before Retry-After            work item after give_up_after
  permanent         no                                                       work item at once
  poison            no                                                       work item at once
  unknown_outcome   by the action's guarantee:
    idempotency_key, upsert, same_transaction, at_least_once   as transient; the copy says it may have been applied
    verify                                                     as transient, not before timeout + settle; asked first
    at_most_once                                               work item at once

Delays are tiers, because a transport has one queue for each: a backoff goes to the next tier up, and jitter picks that
one or its neighbour below.
"""

from __future__ import annotations

from random import Random

from msgspec import Struct

from engine.compile.plan import Retry
from engine.core.errors import Failure, Throttled
from engine.plugins.contracts import Guarantee

TIERS = (1.0, 5.0, 30.0, 120.0, 600.0, 1800.0, 7200.0)


class Decision(Struct, frozen=True):
    """What to do with a failed one.

    again     publish another copy; False: it becomes a work item
    delay     seconds, one of TIERS
    attempt   number of the next copy
    due       seconds from now before which the copy must not be sent, if that is longer than the longest tier
    doubt     the failed try may have had its effect
    """

    again: bool
    delay: float = 0.0
    attempt: int = 0
    due: float = 0.0
    doubt: bool = False


class Try(Struct, frozen=True):
    """A try that failed: its attempt number, when the first one was (UTC microseconds), and what limits the next.

    quiet   seconds in which the outside system cannot yet say whether the effect is there (timeout + settle)
    free    this try does not count (it was the probe of an open breaker)
    """

    attempt: int
    since: int
    now: int
    guarantee: Guarantee = "at_least_once"
    quiet: float = 0.0
    free: bool = False


def tier_up(seconds: float) -> float:
    """The shortest tier that is not shorter than `seconds`; the longest one when none is."""
    return next((tier for tier in TIERS if tier >= seconds), TIERS[-1])


def backoff(retry: Retry, attempt: int) -> float:
    """Seconds before the copy that follows attempt `attempt` (from 1), before it is put into a tier."""
    wait = retry.first
    for _ in range(attempt - 1):
        if wait >= retry.max:
            break
        wait *= retry.factor
    return min(wait, retry.max)


def next_delay(retry: Retry, attempt: int, since: int, now: int, rng: Random) -> float | None:
    """Seconds until the next try; None when it would come after `give_up_after`.

    attempt  the one that failed, from 1; since, now  UTC microseconds (since 0: this was the first try, just now).
    """
    index = TIERS.index(tier_up(backoff(retry, attempt)))
    if index > 0 and rng.random() < 0.5:
        index -= 1
    delay = TIERS[index]
    return delay if _elapsed(since, now) + delay <= retry.give_up_after else None


def decide(failure: Failure, tried: Try, retry: Retry, rng: Random) -> Decision:
    """The table above for one failed try."""
    kind = failure.kind
    if isinstance(failure, Throttled):
        return _throttled(failure.after, tried, retry)
    if kind == "transient":
        return _transient(tried, retry, rng, least=0.0, doubt=False)
    if kind == "unknown_outcome":
        if tried.guarantee == "at_most_once":
            return Decision(False, doubt=True)
        least = tried.quiet if tried.guarantee == "verify" else 0.0
        return _transient(tried, retry, rng, least=least, doubt=True)
    return Decision(False)


def _throttled(after: float, tried: Try, retry: Retry) -> Decision:
    if _elapsed(tried.since, tried.now) >= retry.give_up_after:
        return Decision(False)
    return Decision(True, tier_up(after), tried.attempt, due=after if after > TIERS[-1] else 0.0)


def _transient(tried: Try, retry: Retry, rng: Random, *, least: float, doubt: bool) -> Decision:
    delay = next_delay(retry, tried.attempt, tried.since, tried.now, rng)
    if delay is None:
        return Decision(False, doubt=doubt)
    delay = max(delay, tier_up(least)) if least else delay
    return Decision(True, delay, tried.attempt if tried.free else tried.attempt + 1, doubt=doubt)


def _elapsed(since: int, now: int) -> float:
    return max(0, now - since) / 1_000_000 if since else 0.0

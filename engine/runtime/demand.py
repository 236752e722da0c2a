"""What a project needs of a transport: its queues, what they are bound to, and how long things wait for each of them.

An engine declares queues as it starts and a tier when it is first used. Where it may declare nothing, an operator makes
all of it ahead, from this.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.compile.plan import Retry, RouteSet
from engine.ports.transport import Address, Topology
from engine.runtime.delivery.retry import TIERS, backoff, tier_up
from engine.runtime.revising import topology

QUARANTINE, WORK = Address("quarantine", ""), Address("work", "")


@dataclass(frozen=True)
class Demand:
    """`delays`: seconds that something may wait for an address, by address."""

    topology: Topology
    delays: dict[Address, tuple[float, ...]]


def demand(routeset: RouteSet) -> Demand:
    """What these routes need.

    A lane has every tier, because the other side may ask for any time; a route has those its own policy uses.
    """
    plans = routeset.plans.values()
    lanes = sorted(
        {Address("lane", sink.lane) for plan in routeset.every_plan for sink in plan.sinks if not sink.by_router}
    )
    whole = topology(routeset)
    delays: dict[Address, tuple[float, ...]] = dict.fromkeys((*lanes, QUARANTINE), TIERS)
    delays |= {Address("route", plan.route): tiers_of(plan.retry) for plan in plans}
    return Demand(Topology((*whole.queues, *lanes, QUARANTINE, WORK), whole.bindings), delays)


def tiers_of(retry: Retry) -> tuple[float, ...]:
    """The tiers a backoff can choose: each one it is put into, and that one's neighbour below."""
    used: set[float] = set()
    attempt, wait = 1, 0.0
    while not used or backoff(retry, attempt) > wait:
        wait = backoff(retry, attempt)
        index = TIERS.index(tier_up(wait))
        used |= set(TIERS[max(0, index - 1) : index + 1])
        attempt += 1
    return tuple(tier for tier in TIERS if tier in used and (tier <= retry.give_up_after or tier == TIERS[0]))

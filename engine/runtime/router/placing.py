"""Where an event belongs: its scope, found once, when it comes to a route that runs differently here and there."""

from __future__ import annotations

from engine.compile.regions.choosing import unknown_scope
from engine.core.errors import Failure, Permanent
from engine.runtime.router.env import RouteEnv
from engine.runtime.router.routing import Routing
from engine.runtime.router.shared import Shared

OTHER_REGION = "other-region"  # why an event is filtered that a region's own route has nothing to do with
OUTSIDE = "residency"


def place(shared: Shared, route: str, case: Routing) -> Failure | None:
    """Find the scope of a case and let it carry that on; the failure where no Plan may decide it.

    A continuation brings its scope. A native document has none and runs the base Plan.
    """
    routed = case.routed
    regional = shared.plans.regional(route)
    base = shared.plans.current(route)
    if regional is None or base is None or routed.segment or routed.blob or "@" not in routed.event.type:
        return None
    try:
        placed = regional.place(routed.event.data, RouteEnv(base, routed.event, routed.event.type, shared.around))
    except Failure as failure:
        return failure
    case.elsewhere = placed.elsewhere
    case.placed(placed.scope, placed.country)
    if placed.elsewhere:
        return None
    if placed.ground is None:
        return unknown_scope(placed)
    zone, here = placed.ground.residency, shared.cell.zone
    if zone and here and zone != here:
        text = f"data of {placed.country} must not leave `{zone}`, and this engine stands in `{here}`"
        return Permanent(OUTSIDE, text)
    return None

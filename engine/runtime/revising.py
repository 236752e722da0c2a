"""What a start does about revisions: write down what is loaded, and let go of what an earlier one left behind."""

from __future__ import annotations

from engine.compile.plan import Plan, RouteSet
from engine.core.errors import TillflowError
from engine.ports.store.audit import AuditAppend, AuditRow
from engine.ports.store.revisions import Revision, RevisionGet, RevisionList, RevisionPut
from engine.ports.transport import Address, Topology
from engine.runtime.cell import Cell
from engine.runtime.plans import MOST_LOOKED_AT, Load, Plans


async def record(
    cell: Cell, routeset: RouteSet, author: str = "", reason: str = "start"
) -> tuple[int, Revision | None]:
    """Write the loaded project with all its bytes; answers its number, and the revision that was active before if it
    was another.
    """
    store = cell.store
    before = next((one for one in await store.apply(RevisionList()) if one.state == "active"), None)
    if before is not None and before.id == routeset.digest:
        return before.number, None
    plans = dict(routeset.digests)
    revision = Revision(routeset.digest, plans, routeset.files, "active", author, reason, cell.clock.now())
    row = AuditRow(
        revision.at, author or "tillflow", "revision.activate", revision.id, reason, before.id if before else ""
    )
    number, _ = await store.apply_all(RevisionPut(revision), AuditAppend(row))
    return number, before


def topology(routeset: RouteSet) -> Topology:
    """The queues of all routes, and which event types they are bound to."""
    plans = routeset.plans.values()
    return Topology(
        queues=tuple(Address("route", plan.route) for plan in plans),
        bindings=tuple((plan.source.event.partition("@")[0], plan.route) for plan in plans if plan.source.event),
    )


async def unbind(cell: Cell, before: Revision, routeset: RouteSet, load: Load) -> list[Plan]:
    """Take away bindings of the revision before that are not wanted now. Answers Plans of routes that are gone."""
    whole = await cell.store.apply(RevisionGet(before.id))
    if whole is None or not whole.files:
        return []
    try:
        old = load(whole.files)
    except (TillflowError, ValueError, KeyError) as error:
        facts = {"before": before.id, "why": str(error)}
        cell.log("the revision before cannot be compiled; its bindings stay", facts)
        return []
    wanted = set(topology(routeset).bindings)
    for type_name, route in topology(old).bindings:
        if (type_name, route) not in wanted:
            await cell.transport.unbind(type_name, route)
    return [plan for route, plan in old.plans.items() if route not in routeset.plans]


async def left_over(cell: Cell, plans: Plans) -> list[Plan]:
    """Last Plans of routes whose queue is still there, from whatever revision had them."""
    depths = await cell.transport.depths()
    gone = {address.name for address in depths if address.kind == "route"} - plans.routeset.plans.keys()
    found: list[Plan] = []
    for revision in await cell.store.apply(RevisionList(MOST_LOOKED_AT)) if gone else []:
        for route in sorted(gone & revision.plans.keys()):
            plan = await plans.recorded(revision.plans[route])
            if plan is not None:
                found.append(plan)
                gone.discard(route)
    return found

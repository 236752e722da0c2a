"""Which Plan decides: the current one by route, a recorded one by its digest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from engine.compile.partial import needed
from engine.compile.plan import EventType, Plan, PlannedConnection, PlannedSink, PlannedSource, RouteSet, Segment
from engine.compile.regions.choosing import Regional
from engine.core.errors import TillflowError
from engine.ports.store import Store
from engine.ports.store.revisions import RevisionList, RevisionOfPlan
from engine.runtime.carrying.codec import Delivery, Routed
from engine.runtime.cell import Log

# Compiles the files of a revision; given by the composition root, so that the runtime knows no loader.
Load = Callable[[Mapping[str, bytes]], RouteSet]
SHORT = 12  # characters of an id that people are shown
MOST_LOOKED_AT = 1000  # revisions
MOST_FORMER = 512  # Plans kept after their time; others are compiled again when an event asks for them


class Plans:
    """The Plans of one process. Old ones are compiled from their revision's bytes when an event asks for them."""

    def __init__(self, routeset: RouteSet, store: Store, load: Load, log: Log) -> None:
        self._routeset = routeset
        self._store = store
        self._load = load
        self._log = log
        self._recorded: dict[str, Plan] = {}
        self._retiring: dict[str, Plan] = {}
        self.leaving = asyncio.Event()  # set while something retires
        self._gone: dict[str, Plan] = {}
        self._numbers: dict[str, int] = {}
        self._coming: RouteSet | None = None
        self._left: dict[str, Regional] = {}  # of routes that are gone: how they ran here and there
        self._zones = _zones(routeset)

    @property
    def routeset(self) -> RouteSet:
        return self._routeset

    @property
    def revision(self) -> str:
        """Digest of the RouteSet that runs."""
        return self._routeset.digest

    def numbered(self, revision: str, number: int) -> None:
        """A revision was recorded under this number."""
        self._numbers[revision] = number
        if len(self._numbers) > MOST_FORMER:
            del self._numbers[next(iter(self._numbers))]

    def stamp(self) -> dict[str, Any]:
        """What runs, for every line of a log; the number once it is recorded."""
        number = self._numbers.get(self.revision)
        return {"revision": self.revision[:SHORT], **({"number": number} if number is not None else {})}

    def replace(self, routeset: RouteSet) -> None:
        """Another RouteSet runs from now on. Plans of the one before stay known: events in hand finish on them."""
        going_on = {id(plan) for plan in routeset.every_plan}
        for plan in self._routeset.every_plan:
            if id(plan) not in going_on:
                self._remember(plan)
        self._left |= {route: one for route, one in self._routeset.regional.items() if route not in routeset.plans}
        for route in routeset.plans:
            self._retiring.pop(route, None)
            self._gone.pop(route, None)
            self._left.pop(route, None)
        self._note_leaving()
        self._routeset = routeset
        self._coming = None
        self._zones = _zones(routeset)

    def expect(self, routeset: RouteSet) -> None:
        """It is staged here. Another process may run it a moment earlier, and its deliveries come here too."""
        self._coming = routeset

    def _remember(self, plan: Plan) -> None:
        self._recorded[plan.digest] = plan
        if len(self._recorded) > MOST_FORMER:
            del self._recorded[next(iter(self._recorded))]

    def all(self) -> list[Plan]:
        """One for each route: that of the base."""
        return list(self._routeset.plans.values())

    def every(self) -> list[Plan]:
        """All that may decide or deliver something now: of every region, and of routes that are gone."""
        left = [self._left[route] for route in self._retiring if route in self._left]
        more = [span.plan for one in left for _, span in one.spans()]
        return [*self._routeset.every_plan, *self._retiring.values(), *more]

    def regional(self, route: str) -> Regional | None:
        """How a route runs here and there; None where it runs the same everywhere."""
        return self._routeset.regional.get(route) or self._left.get(route)

    def at(self, route: str, scope: str, day: str) -> Plan | None:
        """The Plan that decides for a route now, for an event that has a scope already."""
        return _placed(self.regional(route), scope, day) or self.current(route)

    def residency(self, country: str) -> str:
        """The zone that data of a country must not leave; empty: any."""
        return self._zones.get(country, "")

    def current(self, route: str) -> Plan | None:
        """The Plan that decides for a route now: of a route that is gone the last one."""
        return self._routeset.plans.get(route) or self._retiring.get(route) or self._gone.get(route)

    def receiver(self, delivery: Delivery) -> tuple[Plan | None, PlannedSink | None]:
        """Who takes a delivery, see `Plan.receiver`: of the current Plan, else of the one that is staged here."""
        route, scope, day = delivery.route, delivery.scope, delivery.event.day
        current = self.at(route, scope, day)
        found = current.receiver(delivery.sink, delivery.effect, delivery.does) if current is not None else None
        if found is None and self._coming is not None and route in self._coming.plans:
            coming = _placed(self._coming.regional.get(route), scope, day) or self._coming.plans[route]
            known = coming.receiver(delivery.sink, delivery.effect, delivery.does)
            if known is not None:
                return coming, known
        return current, found

    def retire(self, plan: Plan) -> None:
        """A route that is gone; what is left of it is finished on this Plan."""
        self._retiring[plan.route] = plan
        self.leaving.set()

    def retiring(self) -> list[Plan]:
        """Last Plans of routes that are gone and of which something is left."""
        return list(self._retiring.values())

    def forget(self, route: str) -> None:
        """Nothing is left of a route that is gone. What turns up all the same still finds its Plan."""
        if route in self._retiring:
            self._gone[route] = self._retiring.pop(route)
            self._note_leaving()

    def _note_leaving(self) -> None:
        if not self._retiring:
            self.leaving.clear()

    def recall(self, route: str) -> None:
        """Something is left of a route that was forgotten, a replay for one: it retires anew."""
        if route in self._gone:
            self._retiring[route] = self._gone.pop(route)
            self.leaving.set()

    def connection(self, name: str) -> PlannedConnection | None:
        found = self._routeset.connections.get(name)
        return found if found is not None or self._coming is None else self._coming.connections.get(name)

    def type(self, schema: str) -> EventType | None:
        """The event type `name@n`."""
        return self._routeset.types.get(schema)

    async def recorded(self, digest: str) -> Plan | None:
        """The Plan with this digest, from the revision that was written when it ran. None when that is gone, or cannot
        be compiled any more (a plugin of it is not installed). Raises StoreDown.
        """
        for plan in self._routeset.every_plan:
            if plan.digest == digest:
                return plan
        if digest not in self._recorded:
            found = await self._compiled(digest)
            if found is None:
                return None
            self._remember(found)
        return self._recorded[digest]

    async def last(self, route: str) -> Plan | None:
        """The Plan that decides for a route now; of one that is gone since before this start the last that is recorded,
        of the newest revisions. Raises StoreDown.
        """
        known = self.current(route)
        if known is not None:
            return known
        for revision in await self._store.apply(RevisionList(MOST_LOOKED_AT)):
            if route in revision.plans:
                return await self.recorded(revision.plans[route])
        return None

    async def _compiled(self, digest: str) -> Plan | None:
        revision = await self._store.apply(RevisionOfPlan(digest))
        if revision is None or not revision.files:
            return None
        route = next(name for name, plan in revision.plans.items() if plan == digest).partition(" ")[0]
        try:
            found = _with_digest(self._load(needed(revision.files, {route})), digest)
            if found is None:
                found = _with_digest(self._load(revision.files), digest)
        except (TillflowError, ValueError, KeyError) as error:
            self._log("a recorded revision cannot be compiled", {"recorded": revision.id, "why": str(error)})
            return None
        return found

    async def resuming(self, route: str, kept: Routed) -> tuple[Plan, Segment, Segment] | None:
        """Where what a cut kept goes on: (Plan, segment the cut ends, segment after it).

        On the current Plan of its scope if the cut is there with the same state version, else on the recorded one; None when that
        is gone too. Raises StoreDown.
        """
        step, state, digest = kept.segment, kept.state, kept.plan
        current = self.at(route, kept.scope, kept.event.day)
        found = _around(current, step) if current is not None else None
        if current is not None and found is not None and (found[0].state_version == state or current.digest == digest):
            return current, *found
        recorded = await self.recorded(digest) if digest else None
        found = _around(recorded, step) if recorded is not None else None
        return (recorded, *found) if recorded is not None and found is not None else None

    async def entered(self, route: str, routed: Routed) -> tuple[Plan, Segment] | None:
        """The Plan and segment an event enters; None when there is none any more. Raises StoreDown."""
        if routed.segment:
            found = await self.resuming(route, routed)
            return (found[0], found[2]) if found is not None else None
        current = self.at(route, routed.scope, routed.event.day)
        return (current, current.segments[0]) if current is not None else None


def _with_digest(routeset: RouteSet, digest: str) -> Plan | None:
    return next((plan for plan in routeset.every_plan if plan.digest == digest), None)


def _zones(routeset: RouteSet) -> dict[str, str]:
    """Residency by country."""
    packs = (pack for regional in routeset.regional.values() for pack in regional.packs)
    return {pack.wants["country"]: pack.residency for pack in packs if pack.layer == "country"}


def _placed(regional: Regional | None, scope: str, day: str) -> Plan | None:
    """The Plan of a region; None where the route runs the same everywhere, or the base's is meant."""
    ground = regional.at(scope).ground if regional is not None and scope else None
    return ground.on(day).plan if ground is not None else None


def no_plan(route: str) -> Plan:
    """Stands for a route that is gone, where something of it has to be told to somebody."""
    return Plan(
        route=route,
        version="",
        digest="",
        owner="",
        criticality="operational",
        route_once=False,
        source=PlannedSource(),
        segments=(),
        sinks=(),
    )


def _around(plan: Plan, step: str) -> tuple[Segment, Segment] | None:
    before = next((segment for segment in plan.segments if segment.cut_id == step), None)
    after = plan.segment(step)
    return (before, after) if before is not None and after is not None else None

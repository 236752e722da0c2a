"""Ingress: events published and confirmed, refused records written down, and only then the source told to let go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from msgspec import structs

from engine.compile.plan import Plan
from engine.core.clock import day_of
from engine.core.errors import Failure, Permanent, StoreDown, Transient
from engine.core.event import Event
from engine.core.jsonx import encode
from engine.core.masking import mask_pan_text
from engine.plugins.contracts import Arrival, Format, Record
from engine.plugins.registry import Registry
from engine.ports.store.journal import Entry, JournalAppend
from engine.ports.store.work import WorkCreate, WorkItem
from engine.runtime.carrying.codec import Routed, read_headers
from engine.runtime.carrying.publishing import publish
from engine.runtime.crash import point
from engine.runtime.delivery import order
from engine.runtime.ingress.identity import CONTROL
from engine.runtime.ingress.intake import Origin, Refused, Taken, keys_of, origin_of, records, take
from engine.runtime.ingress.reentry import (
    is_whole,
    nothing_in,
    origin_again,
    records_again,
    refuse_unkept,
    taken_for_one,
    without_header,
)
from engine.runtime.people.journal import carried_keys, document_entry, entry
from engine.runtime.people.work import record_item
from engine.runtime.router.shared import Shared
from engine.runtime.watch import Mark

CHUNK = 200  # records published at once
PATIENCE = 10.0  # seconds a source is kept waiting for a transport or store that takes nothing


@dataclass(frozen=True, slots=True)
class Intook:
    """What became of an arrival: distinct events and work items that are durable now."""

    events: int = 0
    refused: int = 0

    @property
    def empty(self) -> bool:
        """It held no record at all."""
        return not self.events and not self.refused


class Ingress:
    """Takes in what the sources of this process bring."""

    def __init__(self, shared: Shared, registry: Registry) -> None:
        self._shared = shared
        self._registry = registry

    async def take_in(self, plan: Plan, arrival: Arrival) -> Intook:
        """Make all of an arrival durable; the caller acks it then.

        Raises Permanent where nothing of it is kept, since its sender is told and can mend it; Transient when transport
        or Store take nothing for a while: the source offers it again. What was taken until then is known by its ids
        when it comes again.
        """
        origin = origin_of(arrival, self._shared.cell.clock)
        found = records(plan, self._unless_poison(arrival, origin), origin, self._format(plan))
        events = refused = 0
        while True:
            taken, bad = self._chunk(plan, found, origin)
            if not taken and not bad:
                break
            if arrival.told and not events + refused and (failure := _for_the_sender(bad)):
                raise failure
            bad += await self._publish(plan, taken)
            await self._write(plan, bad, origin)
            events, refused = events + len(taken), refused + len(bad)
        made = Intook(events, refused)
        if made.empty:
            await self._tell_empty(plan, origin)
        return made

    async def _tell_empty(self, plan: Plan, origin: Origin) -> None:
        """A document without a record leaves a line: somebody will ask where it went."""
        line = self._line(plan, origin, "read", "0 records: nothing follows from it")
        await self._stored(lambda: self._shared.cell.store.apply(JournalAppend([line])))

    def tell_where(self, plan: Plan, arrival: Arrival, where: str) -> None:
        """Where a document without a record is now, as its source says."""
        origin = origin_of(arrival, self._shared.cell.clock)
        self._shared.journal.note([self._line(plan, origin, "archived", mask_pan_text(where))])

    def _line(self, plan: Plan, origin: Origin, what: str, detail: str) -> Entry:
        return document_entry(
            origin.document(plan.route),
            plan.route,
            what,
            self._shared.now(),
            file=origin.headers.get("file", ""),
            keys=carried_keys(origin.headers, origin.own_id),
            detail=detail,
            kind=f"native/{plan.source.format or plan.source.use}",
            revision=self._shared.plans.revision,
        )

    async def event_of(self, plan: Plan, arrival: Arrival) -> Event:
        """The one event of a synchronous request, with its number if it is ordered. Raises Failure."""
        origin = origin_of(arrival, self._shared.cell.clock)
        taken, bad = self._sorted(plan, list(records(plan, arrival, origin, self._format(plan))), origin)
        if bad:
            raise bad[0].failure
        if len(taken) != 1:
            raise Transient("not-one-record", f"a synchronous request is one record; this one has {len(taken)}")
        (event,) = await self._numbered(plan, taken)
        if isinstance(event, Failure):
            raise event
        return event

    async def reenter(self, item: WorkItem) -> int | Failure:
        """Take the record of a work item in again, edited or not: how many records it gave, or why it could not.

        The record keeps its identity: what was taken in of a document before is absorbed by its id. Raises StoreDown,
        and Permanent where there is nothing to try.
        """
        headers = read_headers(item.headers)
        plan = self._shared.plans.current(item.route)
        if plan is None or not plan.source.use:
            raise Permanent("route-gone", f"there is no route `{item.route}` with a source any more")
        refuse_unkept(item, headers)
        origin = origin_again(item, headers, self._shared.now())
        try:
            found = records_again(plan, item, origin, headers, self._format(plan))
            if refused := nothing_in(found, item.body):
                return refused
            taken, bad = self._sorted(plan, found, origin)
            if not bad and not is_whole(headers) and (refused := taken_for_one(taken)):
                return refused
            if not bad:
                bad = await self._publish(plan, taken)
        except Failure as failure:
            return failure
        return bad[0].failure if bad else len(taken)

    def unfit(self, item: WorkItem, edited: bytes) -> Failure | None:
        """Why this must not be kept in place of a record: no record is in it, or its header row is gone.

        One that is still bad may be kept.
        """
        headers = read_headers(item.headers)
        plan = self._shared.plans.current(item.route)
        if plan is None or headers.get("tf-decoded") or (format := self._format(plan)) is None:
            return None
        origin = origin_again(item, headers, self._shared.now())

        def read(body: bytes) -> list[Record | Refused]:
            return records_again(plan, structs.replace(item, body=body), origin, headers, format)

        return nothing_in(read(edited), edited) or (
            None if is_whole(headers) else without_header(item.body, edited, lambda row: not read(row))
        )

    def _unless_poison(self, arrival: Arrival, origin: Origin) -> Arrival:
        """A document that killed the process twice while it was decoded is refused as a whole."""
        if not self._shared.watch.poison(*_mark(origin)):
            return arrival
        failure = Permanent("poison", "decoding this document killed the engine's process twice")
        return replace(arrival, failure=failure)

    def _chunk(
        self, plan: Plan, found: Iterator[Record | Refused], origin: Origin
    ) -> tuple[list[Taken], list[Refused]]:
        """The next records; both lists are empty at the end. Formats are foreign code: a death in one is noticed."""
        watch, mark = self._shared.watch, _mark(origin)
        with watch.executing([mark], alone=watch.suspect(mark[0])):
            return self._sorted(plan, list(islice(found, CHUNK)), origin)

    # --- the parts ---------------------------------------------------------------------------------------------------

    def _format(self, plan: Plan) -> Format | None:
        spec = self._registry.formats.get(plan.source.format)
        return spec.target(plan.source.format_config) if spec is not None else None

    def _sorted(
        self, plan: Plan, found: Sequence[Record | Refused], origin: Origin
    ) -> tuple[list[Taken], list[Refused]]:
        taken: list[Taken] = []
        bad: list[Refused] = []
        for record in found:
            one = record if isinstance(record, Refused) else take(plan, record, origin, self._shared.cell.clock)
            if isinstance(one, Refused):
                bad.append(one)
            else:
                taken.append(one)
        return taken, bad

    async def _publish(self, plan: Plan, taken: Sequence[Taken]) -> list[Refused]:
        """Number, publish, confirm. Answers those that cannot be numbered."""
        if not taken:
            return []
        shared = self._shared
        numbered = await self._numbered(plan, taken)
        events = [(one, event) for one, event in zip(taken, numbered, strict=True) if isinstance(event, Event)]
        await publish(shared.cell, [Routed(event).outgoing(plan.route) for _, event in events], PATIENCE)
        point("ingress-published")
        revision = shared.plans.revision
        shared.journal.note(
            entry(
                event,
                plan.route,
                "received",
                shared.now(),
                revision=revision,
                keys=one.keys,
                detail=_place(event),
            )
            for one, event in events
        )
        both = zip(taken, numbered, strict=True)
        return [_unnumbered(one, failure) for one, failure in both if isinstance(failure, Failure)]

    async def _numbered(self, plan: Plan, taken: Sequence[Taken]) -> list[Event | Failure]:
        accepts = plan.source.accepts
        events: list[Event | Failure] = [one.event for one in taken]
        if accepts is None or accepts.order_by is None:
            return events
        try:
            made = await self._stored(lambda: order.number(self._shared.cell, [(one.event, accepts) for one in taken]))
            return list(made)
        except Transient:
            raise
        except Failure as failure:
            if len(taken) == 1:
                return [failure]
            return [event for one in taken for event in await self._numbered(plan, [one])]

    async def _write(self, plan: Plan, refused: Sequence[Refused], origin: Origin) -> None:
        """Work items of refused records, with file and line."""
        if not refused:
            return
        items = [self._item(plan, one, origin) for one in refused]
        await self._stored(lambda: self._shared.cell.store.apply(WorkCreate(items)))
        point("ingress-refused")

    def _item(self, plan: Plan, one: Refused, origin: Origin) -> WorkItem:
        headers: dict[str, str | int] = {
            "tf-kind": "record",
            "tf-format": plan.source.format,
            "tf-decoded": int(one.decoded),
            "tf-content": origin.content,
            "tf-own-id": origin.own_id,
            "tf-number": one.number,
            "tf-time": origin.at,
            **{f"h-{name}": text for name, text in origin.headers.items()},
        }
        if one.line:
            headers["h-line"] = str(one.line)
        return record_item(
            plan.route,
            plan.owner,
            one.id,
            one.raw,
            one.failure,
            now=self._shared.now(),
            day=day_of(origin.at),
            headers=headers,
            keys=keys_of(plan, one, origin, self._shared.cell.clock),
            revision=self._shared.plans.revision,
        )

    async def _stored(self, write: Any) -> Any:
        """Carry out a write, with patience. Raises Transient `store-down` when that ends."""
        clock = self._shared.cell.clock
        until = clock.monotonic() + PATIENCE
        while True:
            try:
                return await write()
            except StoreDown as down:
                if clock.monotonic() >= until:
                    raise Transient("store-down", str(down)) from down
            await clock.sleep(0.5)


def _mark(origin: Origin) -> Mark:
    return f"document/{origin.content[:32]}", 1


def _for_the_sender(refused: Sequence[Refused]) -> Failure | None:
    """A key that nobody can type is a fault of what sends it."""
    return next((one.failure for one in refused if one.failure.reason == CONTROL), None)


def _place(event: Event) -> str:
    parts = [event.headers.get("file", ""), event.headers.get("line", "")]
    return ":".join(part for part in parts if part)


def _unnumbered(one: Taken, failure: Failure) -> Refused:
    line = int(one.event.headers.get("line", 0))
    return Refused(one.event.trace, failure, encode(one.event.data), True, one.number, line, one.event.data)

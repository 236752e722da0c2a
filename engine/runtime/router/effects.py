"""`call` in the middle of a route. One that only reads is tried again in place, briefly; one that changes something is
claimed in the ledger like a sink, and its recorded answer is used again whenever the event comes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from msgspec import Struct

from engine.compile.plan import Plan, PlannedConnection
from engine.core.errors import Failure, Fenced, Permanent, Throttled, Transient, UnknownOutcome
from engine.core.event import Event
from engine.core.ids import delivery_id
from engine.core.jsonx import decode, digest_of, encode
from engine.plugins.contracts import REPEATABLE, Action, CallRequest, ConnectorContext, Sent, SinkItem
from engine.ports.store.ledger import Claim, ClaimRow, LedgerClaim, LedgerFind, LedgerKey, LedgerSettle, SettleRow
from engine.ports.store.work import CONFLICT
from engine.runtime.carrying.largebodies import LARGE, missing
from engine.runtime.cell import Cell
from engine.runtime.crash import point
from engine.runtime.delivery.attempt import classified
from engine.runtime.delivery.claim import MARGIN, START
from engine.runtime.delivery.limits import NO_PART
from engine.runtime.delivery.pool import Pool
from engine.runtime.people.hiding import hidden
from engine.runtime.people.work import what_differs
from engine.runtime.plans import Plans

PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)  # seconds between tries in place
_REPEATED = REPEATABLE - {"verify"} | {"at_least_once"}
IN_BLOB = b"blob "  # how a recorded answer begins that is kept as a blob; its digest follows. No JSON begins so
SHORT = 2.0  # a Retry-After up to this is waited for in place


class _Target(Struct, frozen=True):
    """What a request goes to, resolved."""

    connection: PlannedConnection
    action: Action
    request: CallRequest
    key: str

    @property
    def repeatable(self) -> bool:
        """After an unknown outcome it is simply done again. A Call cannot verify: there a person decides."""
        return self.action.guarantee in _REPEATED


class Effects:
    """Carries out the calls of all routes of a process."""

    def __init__(self, cell: Cell, plans: Plans, pool: Pool) -> None:
        self._cell = cell
        self._plans = plans
        self._pool = pool
        self._token = f"{cell.worker}/call/{uuid4().hex[:12]}"

    async def call(self, request: CallRequest, plan: Plan, event: Event) -> Any:
        """The answer as a JSON value. Raises Failure, StoreDown."""
        connection = self._plans.connection(request.connection)
        if connection is None:
            raise Permanent("connection-gone", f"there is no connection `{request.connection}` any more")
        zone = self._plans.residency(event.region)
        if zone and connection.zone != zone:
            text = f"data of {event.region} must not leave `{zone}`; `{connection.name}` does not stand there"
            raise Permanent("residency", text)
        action = self._pool.call_action(connection.connector, request.action)
        if not request.effect or action.guarantee is None:
            return await self._answered(_Target(connection, action, request, request.event_id))
        key = delivery_id(request.event_id, request.effect, request.output_key)
        return await self._change(_Target(connection, action, request, key), plan, event)

    async def _answered(self, target: _Target) -> Any:
        """The answer to what only reads. A failure of one that cannot be asked now is marked so: a `try` may catch it."""
        try:
            return await self._read(target)
        except (Transient, Throttled) as failure:
            failure.unanswered = failure.reason != NO_PART
            raise

    async def _read(self, target: _Target) -> Any:
        for pause in PAUSES[: target.request.retries]:
            try:
                return await self._once(target, Sent())
            except Throttled as failure:
                if failure.after > SHORT or failure.reason == "connection-down":
                    raise
                pause = failure.after
            except (Transient, UnknownOutcome):
                pass  # it is asked again below; what the last try says is raised
            await self._cell.clock.sleep(pause)
        try:
            return await self._once(target, Sent())
        except UnknownOutcome as failure:  # reading again harms nobody
            raise Transient(failure.reason, failure.detail, data=failure.data) from failure

    async def _change(self, target: _Target, plan: Plan, event: Event) -> Any:
        """Claim, call, record. What the ledger knows already is not done again."""
        row = self._row(target, plan, event)
        known = (await self._cell.store.apply(LedgerFind([row.key]))).get(row.key)
        row = self._row(target, plan, event, known.attempt if known else 1)
        began = self._cell.clock.monotonic()
        lease = START + target.request.timeout + MARGIN
        op = LedgerClaim([row], self._token, self._cell.clock.now(), lease)
        (claim,) = await self._cell.store.apply(op)
        point("ledger-claimed")
        if claim.verdict not in ("claimed", "unknown"):
            return await self._recorded(target, claim)
        if claim.verdict == "unknown" and not target.repeatable:
            raise await self._given_up(row, UnknownOutcome("unknown-outcome", _told(target)))
        sent = Sent(self._lease_check(began + START))
        maybe = claim.verdict == "unknown" or (known is not None and known.reason == "unknown-outcome")
        return await self._record(target, row, sent, maybe)

    async def _record(self, target: _Target, row: ClaimRow, sent: Sent, maybe: bool) -> Any:
        try:
            answer = await self._once(target, sent, maybe)
        except Fenced:
            await self._settle(SettleRow(row.key, "waiting", row.attempt, reason="not-sent"))
            raise Throttled("lease-over", "the call could not be started in time", after=1.0) from None
        except UnknownOutcome as failure:
            if target.repeatable:
                await self._settle(SettleRow(row.key, "waiting", row.attempt + 1, reason="unknown-outcome"))
                raise Transient(failure.reason, failure.detail, data=failure.data) from failure
            raise await self._given_up(row, UnknownOutcome("unknown-outcome", _told(target))) from failure
        except Failure as failure:
            following = row.attempt if isinstance(failure, Throttled) else row.attempt + 1
            reason = "unknown-outcome" if maybe else failure.reason
            await self._settle(SettleRow(row.key, "waiting", following, reason=reason))
            raise
        point("sink-called")
        await self._settle(SettleRow(row.key, "applied", result=await self._kept(answer)))
        point("ledger-applied")
        return answer

    async def _once(self, target: _Target, sent: Sent, maybe: bool = False) -> Any:
        """One request through the connection's limits. Raises Failure or Fenced, nothing else."""
        request, planned = target.request, target.connection
        item = SinkItem(target.key, request.request, request.action, request.event_id, maybe_applied=maybe)
        context = ConnectorContext(self._cell.clock, self._cell.log, sent, request.timeout)
        async with self._pool.gate(planned).turn(), self._pool.call(planned, planned.connector) as call:
            try:
                async with asyncio.timeout(request.timeout):
                    return await call.call(item, context)
            except Fenced:
                raise
            except (Exception, SystemExit) as error:
                raise hidden(classified(error, sent.left), planned) from error

    async def _given_up(self, row: ClaimRow, failure: Failure) -> Failure:
        """Only a person can tell what became of it: the event becomes a work item, and this row waits with it."""
        await self._settle(SettleRow(row.key, "work_item", reason=failure.reason))
        return failure

    async def _settle(self, row: SettleRow) -> None:
        await self._cell.store.apply(LedgerSettle([row], self._token, self._cell.clock.now()))

    def _lease_check(self, deadline: float) -> Callable[[], None]:
        def check() -> None:
            if self._cell.clock.monotonic() > deadline:
                raise Fenced("the lease is over; nothing was sent")

        return check

    @staticmethod
    def _row(target: _Target, plan: Plan, event: Event, attempt: int = 1) -> ClaimRow:
        return ClaimRow(
            key=LedgerKey(event.day, target.key),
            attempt=attempt,
            route=plan.route,
            sink=target.request.step,
            effect=target.request.effect,
            event_id=event.id,
            origin=event.origin,
            guard=event.guard,
            body=digest_of(target.request.request),
        )

    async def _kept(self, answer: Any) -> bytes:
        """The answer as the ledger keeps it. The effect is there: an answer that is no JSON must not undo that."""
        try:
            kept = encode(answer)
        except Exception:
            return b""
        return IN_BLOB + (await self._cell.blobs.put(kept)).encode() if len(kept) > LARGE else kept

    async def _recorded(self, target: _Target, claim: Claim) -> Any:
        """The answer of a call that was made before. Raises Failure when there is none to go on with."""
        if claim.verdict != "final" or claim.state != "applied":
            raise _not_made(target, claim)
        if not claim.result.startswith(IN_BLOB):
            return decode(claim.result) if claim.result else None
        digest = claim.result.removeprefix(IN_BLOB).decode()
        try:
            return decode(await self._cell.blobs.get(digest))
        except KeyError:
            raise missing(digest) from None


def _not_made(target: _Target, claim: Claim) -> Failure:
    """Why a call is not made and there is no answer of it to go on with."""
    step = target.request.step
    if claim.verdict in ("busy", "stale"):
        text = f"step `{step}` is being called for this event already"
        return Throttled("call-busy", text, after=max(claim.wait, 1.0))
    if claim.verdict == "conflict":
        differs = what_differs(same_request=claim.same_body)
        return Permanent(CONFLICT, f"step `{step}` was called for this key with other contents; {differs}")
    if claim.state == "work_item":
        return UnknownOutcome("unknown-outcome", _told(target))
    return Permanent("effect-closed", f"the effect of step `{step}` is {claim.state}")


def _told(target: _Target) -> str:
    request = target.request
    return (
        f"`{request.action}` on `{request.connection}` may have had its effect; look there, "
        "then replay the event to do it again, or resolve it"
    )

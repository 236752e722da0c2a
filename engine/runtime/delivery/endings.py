"""How the handling of one received delivery ends, and what has to be written for it before it is acked."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from engine.core.errors import Failure, Permanent, Throttled
from engine.core.jsonx import encode
from engine.core.quoting import excerpt
from engine.ports.store.journal import Entry
from engine.ports.store.ledger import Claim, LedgerKey, SettleRow
from engine.ports.store.order import HeldRow
from engine.ports.store.work import CONFLICT, WorkItem
from engine.ports.transport import Address, Outgoing, Receipt
from engine.runtime.carrying.codec import Delivery
from engine.runtime.delivery.attempt import Tried
from engine.runtime.delivery.desk import Desk
from engine.runtime.delivery.hand import InHand
from engine.runtime.delivery.order import fence_name, held_row
from engine.runtime.delivery.retry import TIERS, Try, decide, tier_up
from engine.runtime.people.work import delivery_item, unreadable_item, what_differs

NOT_SENT = "not-sent"  # in the ledger: waits again though nothing failed; no reason at all: a person had it replayed
DOUBT = b'"?"'  # in the ledger, with what waits: an earlier try may have had its effect, whichever copy comes next
MOST_RESULT = 64 * 1024  # bytes of a sink's own answer kept in the ledger
OVER = frozenset({"applied", "discarded", "superseded"})


@dataclass(slots=True)
class Ending:
    """In the order it is carried out: publish `copy`, keep `held`, write `settle`, `item`, `entry`, the fence, ack.

    number   (fence, order key, number) that is settled by this
    """

    receipt: Receipt
    copy: Outgoing | None = None
    held: HeldRow | None = None
    settle: SettleRow | None = None
    item: WorkItem | None = None
    entry: Entry | None = None
    number: tuple[str, str, int] | None = None


def again(desk: Desk, one: InHand, delivery: Delivery, delay: float) -> Outgoing:
    """A copy for the lane of the current Plan, so that a corrected route heals what waits."""
    if one.sink is not None:
        return delivery.outgoing(one.sink.lane, delay)
    return Outgoing(one.home, delivery.headers(), one.body(), delay)


def settled_number(one: InHand) -> tuple[str, str, int] | None:
    """The number this delivery settles at its fence, if it has one."""
    if not one.fenced or one.order is None:
        return None
    return (one.order.fence, one.order.order_key, one.number)


def skipped(one: InHand) -> Ending:
    """A skip marker: its number is settled."""
    event, delivery = one.delivery.event, one.delivery
    number = (fence_name(delivery.route, delivery.sink), event.order_key, event.order_no)
    return Ending(one.receipt, number=number if event.order_no else None)


def early(desk: Desk, one: InHand) -> Ending:
    """It is not this number's turn: it is held at the fence. One of several outputs of an event waits in a tier."""
    assert one.sink is not None
    if one.delivery.output_key:
        return Ending(one.receipt, copy=again(desk, one, one.delivery, TIERS[1]))
    row = held_row(one.delivery, one.sink.lane, one.body(), desk.now())
    entry = desk.entry(one.delivery, "held", "an earlier one of its key comes first")
    return Ending(one.receipt, held=row, entry=entry)


def not_yet(desk: Desk, one: InHand, wait: float) -> Ending:
    """Somebody else holds it, or it must not be sent before a moment: the same copy later."""
    return Ending(one.receipt, copy=again(desk, one, one.delivery, tier_up(wait)))


def unclaimed(desk: Desk, one: InHand, claim: Claim) -> Ending:
    """The ledger gave something else than a claim."""
    if claim.verdict == "busy":
        # a suspect may have killed whoever claimed it: by then it is known whether it did
        return not_yet(desk, one, claim.wait + (desk.watch.pause if one.home.kind == "quarantine" else 0.0))
    if claim.verdict == "conflict":
        differs = what_differs(same_request=claim.same_body)
        failure = Permanent(CONFLICT, f"the same key came with other contents; {differs}; the first one stays")
        subject = f"{one.delivery.id}!{one.delivery.event.origin}"
        item = _item(desk, one, failure, subject=subject)
        return Ending(one.receipt, item=item, entry=_work_entry(desk, one, failure))
    same = "" if claim.same_body else " (other plan)"
    detail = f"already {claim.state.replace('_', ' ')}{same}" if claim.verdict == "final" else f"an older copy{same}"
    number = settled_number(one) if claim.verdict == "final" and _is_over(one, claim.state) else None
    ours = one.delivery.repeated == one.delivery.attempt  # see `recovery`
    return Ending(one.receipt, entry=None if ours else desk.entry(one.delivery, "duplicate", detail), number=number)


def other_body(desk: Desk, one: InHand, claim: Claim) -> Ending:
    """The id was claimed first with another body, and that one is the only one ever sent: its copy is on its way.

    After an unknown outcome the claim is left to run out, so that the first copy is asked about as well.
    """
    back = SettleRow(_key(one), "waiting", one.delivery.attempt, result=claim.result, reason=NOT_SENT)
    settle = back if claim.verdict == "claimed" else None
    return Ending(one.receipt, settle=settle, entry=desk.entry(one.delivery, "duplicate", "other plan"))


def concluded(desk: Desk, one: InHand, tried: Tried) -> Ending:
    """What follows from one try."""
    if tried.late:
        settle = SettleRow(_key(one), "waiting", one.delivery.attempt, _doubt(one.maybe), NOT_SENT)
        return Ending(one.receipt, copy=again(desk, one, one.delivery, TIERS[0]), settle=settle)
    if tried.superseded:
        return superseded(desk, one)
    if tried.failure is None:
        return _applied(desk, one, tried)
    return failed(desk, one, tried.failure)


def superseded(desk: Desk, one: InHand) -> Ending:
    """Something newer of its key was delivered already."""
    settle = SettleRow(_key(one), "superseded", reason="newer-version")
    entry = desk.entry(one.delivery, "superseded", "a newer one of its key came first")
    return Ending(one.receipt, settle=settle, entry=entry, number=settled_number(one))


def _applied(desk: Desk, one: InHand, tried: Tried) -> Ending:
    repeated = one.maybe and one.sink is not None and one.sink.guarantee == "at_least_once"
    detail = "perhaps not for the first time" if repeated else ""
    settle = SettleRow(_key(one), "applied", result=_result(desk, one, tried))
    return Ending(
        one.receipt, settle=settle, entry=desk.entry(one.delivery, "applied", detail), number=settled_number(one)
    )


def _result(desk: Desk, one: InHand, tried: Tried) -> bytes:
    """The sink's answer as it is kept. The effect is there: an answer that cannot be kept must not undo that."""
    if tried.result is None:
        return b""
    try:
        kept = encode(tried.result)
    except Exception as error:
        desk.cell.log("a sink's answer is no JSON value", {"sink": one.delivery.sink, "error": type(error).__name__})
        return b""
    return kept if len(kept) <= MOST_RESULT else b""


def failed(desk: Desk, one: InHand, failure: Failure) -> Ending:
    """By the table of `engine.runtime.delivery.retry`: another copy, or a work item."""
    sink, delivery, now = one.sink, one.delivery, desk.now()
    if sink is None:
        return given_up(desk, one, failure, doubt=one.maybe)
    since = delivery.since or now
    quiet = sink.timeout + (sink.action.settle if sink.action else 0.0)
    tried = Try(delivery.attempt, delivery.since, now, sink.guarantee, quiet, free=one.probe)
    decision = decide(failure, tried, sink.retry, desk.rng)
    doubt = decision.doubt or one.maybe
    if not decision.again:
        return given_up(desk, one, failure, doubt=doubt)
    due = now + round(decision.due * 1_000_000) if decision.due else 0
    copy = replace(delivery, attempt=decision.attempt, since=since, due=due)
    settle = SettleRow(_key(one), "waiting", decision.attempt, _doubt(doubt), failure.reason)
    entry = desk.entry(delivery, "retrying", f"{failure}; again in {decision.delay:g} s")
    if isinstance(failure, Throttled):
        entry = replace(entry, detail=excerpt(f"{failure}; as asked, again in {max(decision.delay, decision.due):g} s"))
    return Ending(one.receipt, copy=again(desk, one, copy, decision.delay), settle=settle, entry=entry)


def given_up(desk: Desk, one: InHand, failure: Failure, *, doubt: bool) -> Ending:
    """It waits for a person. Under `on_failure: skip` the key goes on without it."""
    reason = "unknown-outcome" if doubt and failure.kind == "unknown_outcome" else failure.reason
    told = failure if reason == failure.reason else Permanent(reason, str(failure), data=failure.data)
    skip = one.sink is not None and one.sink.ordered is not None and one.sink.ordered.on_failure == "skip"
    return Ending(
        one.receipt,
        settle=SettleRow(_key(one), "work_item", result=_doubt(doubt), reason=reason),
        item=_item(desk, one, told, doubt=doubt),
        entry=_work_entry(desk, one, told),
        number=settled_number(one) if skip else None,
    )


def _doubt(doubt: bool) -> bytes:
    return DOUBT if doubt else b""


def _is_over(one: InHand, state: str) -> bool:
    skip = one.sink is not None and one.sink.ordered is not None and one.sink.ordered.on_failure == "skip"
    return state in OVER or (skip and state == "work_item")


def _key(one: InHand) -> LedgerKey:
    return LedgerKey(one.delivery.day, one.delivery.id)


def _item(desk: Desk, one: InHand, failure: Failure, *, doubt: bool = False, subject: str = "") -> WorkItem:
    owner = one.plan.owner if one.plan is not None else ""
    return delivery_item(
        one.delivery,
        failure,
        now=desk.now(),
        owner=owner,
        revision=desk.plans.revision,
        doubt=doubt,
        subject=subject,
    )


def _work_entry(desk: Desk, one: InHand, failure: Failure) -> Entry:
    return desk.entry(one.delivery, "work-item", str(failure))


def unreadable(desk: Desk, receipt: Receipt, error: Exception) -> Ending:
    """Something in a lane that is no delivery: a person has to look at it, nothing is thrown away."""
    return Ending(receipt, item=unreadable_item(receipt, type(error).__name__, desk.now(), desk.plans.revision))


def to_quarantine(receipt: Receipt) -> Ending:
    """A suspect goes where suspects run one at a time."""
    return Ending(receipt, copy=Outgoing(Address("quarantine", ""), receipt.headers, receipt.body))

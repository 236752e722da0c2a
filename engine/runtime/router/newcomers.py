"""Events taken for new: their inbox row is written without asking whether there is one.

Nearly every event is new, and asking takes as long as writing. So where few are in hand, and somebody waits for each of
them, a new one is decided at once; a row that is there already shows when its own is to be written, and then decides,
as after any lost race. Where that would come too late the inbox is asked after all, before anything is done.
"""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Coroutine, Sequence

from engine.ports.store.inbox import InboxFind
from engine.runtime.carrying.handover import persist
from engine.runtime.plans import MOST_FORMER
from engine.runtime.router.deciding import Waiting
from engine.runtime.router.outcomes import Made
from engine.runtime.router.routing import DONE_AT_ONCE, Routing
from engine.runtime.router.shared import Shared

FEW = 20  # events in hand: among more, one question for all costs nobody much


class Newcomers:
    """Of one route. Plans whose steps wait for something are remembered: what they wait for may have effects."""

    def __init__(self) -> None:
        self._tried: set[str] = set()  # digests of Plans whose events went through
        self._waits: set[str] = set()  # digests of Plans with steps that waited

    def taken(self, case: Routing, of: int) -> bool:
        """Take this one of so many for new."""
        return (
            of <= FEW
            and not case.seen
            and case.has_inbox
            and _first_copy(case)
            and case.plan is not None
            and case.plan.digest in self._tried - self._waits
        )

    def learn(self, cases: Sequence[Routing], waiting: Sequence[Waiting]) -> None:
        """What was seen of the Plans of these: a route may run on one for each region."""
        if len(self._tried) > MOST_FORMER:
            self._tried.clear()
            self._waits.clear()
        self._tried.update(case.plan.digest for case in cases if case.plan is not None)
        self._waits.update(case.plan.digest for case, _ in waiting if case.plan is not None)


def _first_copy(case: Routing) -> bool:
    receipt, routed = case.receipt, case.routed
    if receipt is None or receipt.redelivered:
        return False
    return routed.attempt == 1 and not (routed.replay or routed.dead or routed.segment or routed.blob)


async def mistaken(shared: Shared, route: str, taken: Sequence[Routing], waiting: Sequence[Waiting]) -> list[Routing]:
    """Those of the taken that are in the inbox, as far as that matters before their row is written: as good as new.

    It matters when steps wait, when a number would be given, and when the outcome is a work item or a reason.
    """
    pending = {id(case): awaitable for case, awaitable in waiting}
    doubtful = [case for case in taken if id(case) in pending or _early(case)]
    if not doubtful:
        return []
    keys = [case.key for case in doubtful]
    rows = await persist(shared.cell, lambda: shared.cell.store.apply(InboxFind(route, keys)))
    found = [case for case in doubtful if case.key in rows]
    for case in found:
        _drop(pending.get(id(case)))
        start_again(case)
    return found


def start_again(case: Routing) -> None:
    """The row that is there now decides."""
    case.seen = True
    case.outcome, case.failed, case.again, case.made = None, None, None, Made()


def _early(case: Routing) -> bool:
    return case.kind in DONE_AT_ONCE or case.numbered


def _drop(pending: Awaitable[object] | None) -> None:
    """Steps that were about to wait are not gone on with. The interpreter warns of what was never awaited."""
    if isinstance(pending, Coroutine):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            pending.close()

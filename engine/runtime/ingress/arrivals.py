"""What a running source brings: taken in, several at a time, and let go of when it is durable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from engine.compile.plan import Plan
from engine.core.errors import Failure, Permanent, TillflowError, Transient
from engine.plugins.contracts import Arrival, Source, SourceContext
from engine.runtime.crash import point
from engine.runtime.ingress.ingress import Ingress, Intook
from engine.runtime.router.router import Router
from engine.runtime.router.shared import Shared

AT_ONCE = 32  # arrivals of one source that are taken in at the same time
PAUSE = 1.0


class Arrivals:
    """Takes in for one route. `plan` may be replaced by one that says the same of its source.

    works   called when the source brings something
    failed  called with what is a defect of its plugin, or of ours
    made    called with what became of each arrival
    lapsed  whether the lease of the source is over: then another process may bring the same
    """

    def __init__(
        self,
        shared: Shared,
        ingress: Ingress,
        router: Router,
        plan: Plan,
        *,
        works: Callable[[], None],
        failed: Callable[[str], None],
        made: Callable[[Intook], None],
        lapsed: Callable[[], bool] = lambda: False,
    ) -> None:
        self._shared = shared
        self._ingress = ingress
        self._router = router
        self._works = works
        self._failed = failed
        self._made = made
        self._lapsed = lapsed
        self.plan = plan

    async def read(self, group: asyncio.TaskGroup, source: Source, context: SourceContext, in_order: bool) -> None:
        """Take arrivals in. When one of an exclusive source is given back, it is asked anew, from where it stands."""
        while await self._given_back(group, source, context, in_order):
            await self._shared.cell.clock.sleep(PAUSE)

    async def _given_back(
        self, group: asyncio.TaskGroup, source: Source, context: SourceContext, in_order: bool
    ) -> bool:
        """Take in until the source ends, several at once. Those of an exclusive source are let go of in order, since
        it keeps a cursor; True: one was given back, and with it all that had been read behind it.
        """
        room = asyncio.Semaphore(AT_ONCE)
        turns: dict[asyncio.Task[None], asyncio.Future[bool]] = {}
        before: asyncio.Future[bool] | None = None
        refused = asyncio.Event()

        def ended(task: asyncio.Task[None]) -> None:
            room.release()
            turn = turns.pop(task)
            if in_order and not (turn.done() and turn.result()):
                refused.set()

        async with aclosing(_brought(source, context)) as arrivals:
            async for arrival in arrivals:
                self._works()
                await room.acquire()
                turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
                task = group.create_task(self._arrival(arrival, before, turn))
                turns[task] = turn
                task.add_done_callback(ended)
                before = turn if in_order else None
                if refused.is_set():
                    await asyncio.wait(set(turns))
                    return True
        return False

    async def _arrival(self, arrival: Arrival, before: asyncio.Future[bool] | None, turn: asyncio.Future[bool]) -> None:
        """One arrival from decoding to its ack. One that is given back takes those behind it along."""
        acked = False
        try:
            made = await self._take_in(arrival)
            if before is not None and not await before:
                raise Transient("behind-another", "an earlier arrival of this source could not be taken in")
            point("ingress-ack")
            where = await arrival.ack(made.refused)
            point("ingress-acked")
            acked = True
            if where and made.empty:
                self._ingress.tell_where(self.plan, arrival, where)
        except Failure as failure:
            await self._give_back(arrival, failure)
        except TillflowError as error:
            await self._give_back(arrival, Transient("not-taken-in", str(error)))
        except Exception as error:
            text = f"{type(error).__name__} while an arrival of {self.plan.source.use} was taken in"
            self._failed(f"{text}: {error}")
            await self._give_back(arrival, Transient("not-taken-in", text))
        finally:
            if not turn.done():
                turn.set_result(acked)

    async def _give_back(self, arrival: Arrival, failure: Failure) -> None:
        try:
            await arrival.release(failure)
        except Exception as error:
            self._failed(f"{type(error).__name__} while {arrival.name or 'an arrival'} was given back: {error}")

    async def _take_in(self, arrival: Arrival) -> Intook:
        """What it gives is read as its own Plan says, whatever decides it later."""
        plan = self.plan
        if self._lapsed():  # it woke up from a long stop: whatever it is about to bring is another's by now
            raise Transient("lease-over", "the lease of this source is over; another process may run it now")
        if arrival.reply is not None:
            await self._answer(plan, arrival)
            made = Intook(events=1)
        else:
            made = await self._ingress.take_in(plan, arrival)
        self._made(made)
        return made

    async def _answer(self, plan: Plan, arrival: Arrival) -> None:
        """A synchronous request: the same segments, its reply before the ack. Its failure goes back to who asked."""
        assert arrival.reply is not None
        event = await self._ingress.event_of(plan, arrival)
        outcome = await self._router.answer(event, plan.source.deadline)
        if outcome.failed is not None:
            raise outcome.failed.failure
        await arrival.reply(outcome.reply)


async def _brought(source: Source, context: SourceContext) -> AsyncGenerator[Arrival, None]:
    """What it brings. Raises Permanent when its plugin asks the process to end: that must not take the engine along."""
    brought = source.arrivals(context)
    try:
        async for arrival in brought:
            yield arrival
    except SystemExit as error:
        raise Permanent("source-left", "the source asked the process to end: a defect of its plugin") from error
    finally:
        if isinstance(brought, AsyncGenerator):
            await brought.aclose()

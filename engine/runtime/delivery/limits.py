"""What a connection allows: how often, how many at once, and whether to ask at all."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from engine.compile.plan import PlannedConnection
from engine.core.clock import Clock
from engine.core.errors import Failure, Throttled
from engine.plugins.fields import RateValue
from engine.runtime.delivery.breaker import Breaker
from engine.runtime.delivery.share import Share
from engine.runtime.people.counts import Counts

AHEAD = 0.25  # seconds of work that may be claimed ahead: more would wait claimed, and a claim has a lease
MOST_AHEAD = 256
_TINY = 1e-6
LOOK = 2.0  # seconds until who has no part in a limit looks again
NO_PART = "no-part"  # reason: other processes have their turn; it says nothing of the system
LONGEST_PAUSE = 60.0  # a Retry-After of one request holds the whole connection at most this long


class TokenBucket:
    """Never more than `count` in any `seconds`, in small bursts of a twentieth of it; of that, the part of this process.

    One that has no part, because there are more processes than `count`, says so with `idle`; who must go on all the same
    is as slow as all of them may be on average.
    """

    def __init__(self, rate: RateValue, clock: Clock, share: Share | None = None) -> None:
        self._clock = clock
        self._rate = rate
        self._share = share or Share(clock)
        self._part = -1
        self._fit()
        self._tokens = float(self._size) if self._share.of == 1 else 0.0
        self._at = clock.monotonic()

    @property
    def idle(self) -> bool:
        """Nothing of it is ours now."""
        return self._share.part(self._rate.count) == 0

    def _fit(self) -> None:
        part = self._share.part(self._rate.count)
        if part == self._part:
            return
        self._part = part
        self._size = max(1, part // 20)
        count = part - self._size + 1 if part else self._rate.count / self._share.of
        self._per_second = count / self._rate.seconds

    def wait(self) -> float:
        """Seconds until there is a token; 0 when there is one."""
        self._fit()
        now = self._clock.monotonic()
        self._tokens = min(self._size, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        missing = 1.0 - self._tokens
        return missing / self._per_second if missing > 1e-9 else 0.0

    def take(self) -> None:
        """Use one; only when `wait()` is 0."""
        self._tokens -= 1.0

    def give_back(self) -> None:
        """It was not used."""
        self._tokens = min(self._size, self._tokens + 1.0)


class Slots:
    """How many run at once; `most` may change meanwhile, but one may always."""

    def __init__(self, most: Callable[[], int]) -> None:
        self._most = most
        self._busy = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        while self._busy >= max(1, self._most()):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                self._next()  # it may have been given a turn that it does not take
                raise
        self._busy += 1

    async def __aexit__(self, *error: object) -> None:
        self._busy -= 1
        self._next()

    def _next(self) -> None:
        """As many as there is room for: there may be more than before."""
        room = max(1, self._most()) - self._busy
        while self._waiting and room > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                room -= 1


class Gate:
    """The limits of one connection, shared by all lanes and calls that use it in this process."""

    def __init__(
        self, planned: PlannedConnection, clock: Clock, counts: Counts | None = None, share: Share | None = None
    ) -> None:
        self.planned = planned
        self._counts = counts or Counts()
        self._share = share or Share(clock)
        self.breaker = Breaker(
            planned.breaker_failures, planned.breaker_within, planned.probe_every, clock, self._share
        )
        self.slots = Slots(lambda: self._share.part(planned.concurrency))
        self._bucket = TokenBucket(planned.rate, clock, self._share) if planned.rate else None
        self._clock = clock
        self._started = 0.0
        self._pace = 0.0  # seconds one takes, a moving average
        self._held_until = 0.0
        self.trouble = ""  # how the last failed request ended, with whatever the outside said
        self.tried = False
        self.failing_since = 0  # UTC microseconds; 0: the last request did not fail
        self._listeners: set[asyncio.Event] = set()

    def shut_for(self) -> float:
        """Seconds for which nothing at all may start, as far as is known now: the breaker, or no part in the limits."""
        if self._no_part():
            return LOOK
        return min(self.breaker.wait(), LOOK) if math.isinf(self.breaker.wait()) else self.breaker.wait()

    def _no_part(self) -> bool:
        return not self._share.part(self.planned.concurrency) or (self._bucket is not None and self._bucket.idle)

    def tell(self) -> None:
        """Something outside changed: whoever waits may look again."""
        self._tell()

    def listen(self, event: asyncio.Event) -> None:
        """Set this event whenever something ended: there may be room now."""
        self._listeners.add(event)

    def forget(self, event: asyncio.Event) -> None:
        self._listeners.discard(event)

    def wait(self) -> float:
        """Seconds until one more may start; infinity: when something that runs has ended."""
        if self._no_part():
            return LOOK
        if self._started >= self._window() - _TINY:
            return math.inf
        held = self._held_until - self._clock.monotonic()
        return max(held, self.breaker.wait(), self._bucket.wait() if self._bucket else 0.0, 0.0)

    def start(self, weight: float = 1.0) -> bool:
        """One more starts; only when `wait()` is 0. True when it is the probe of an open breaker.

        weight   the part of a request it makes, where several go out as one
        """
        self._started += weight
        if self._bucket:
            self._bucket.take()
        return self.breaker.start()

    def drop(self, probe: bool, weight: float = 1.0) -> None:
        """What was started turned out to need no request."""
        self._started = max(0.0, self._started - weight)
        if self._bucket:
            self._bucket.give_back()
        self.breaker.dropped(probe)
        self._tell()

    def end(self, seconds: float, failure: Failure | None, probe: bool, weight: float = 1.0) -> None:
        """One ended; its request took `seconds`."""
        self._started = max(0.0, self._started - weight)
        self.tried = True
        self._counts.requested(self.planned.name, seconds, failure)
        self._pace = seconds if not self._pace else self._pace * 0.8 + seconds * 0.2
        if isinstance(failure, Throttled):
            self._held_until = self._clock.monotonic() + min(failure.after, LONGEST_PAUSE)
            self.breaker.dropped(probe)
        elif failure is not None and failure.kind in ("transient", "unknown_outcome"):
            self.trouble = str(failure)
            self.failing_since = self.failing_since or self._clock.now()
            self.breaker.failed(probe)
        else:
            self.failing_since = 0
            self.breaker.succeeded(probe)
        self._tell()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, for a call in the middle of a route. Raises Throttled while the breaker is open."""
        changed = asyncio.Event()
        self.listen(changed)
        try:
            while (wait := self.wait()) > 0:
                if self._no_part() and not self._share.held:
                    text = f"`{self.planned.name}` allows less than there are processes; another one has its turn"
                    raise Throttled(NO_PART, text, after=LOOK)
                if self.breaker.open:
                    after = max(1.0, self.breaker.retry_after())
                    raise Throttled("connection-down", f"`{self.planned.name}` fails too often", after=after)
                changed.clear()
                await until(changed, wait)
            probe = self.start()
        finally:
            self.forget(changed)
        began = self._clock.monotonic()
        try:
            async with self.slots:
                yield
        except Failure as failure:
            self.end(self._clock.monotonic() - began, failure, probe)
            raise
        except BaseException:
            self.drop(probe)
            raise
        self.end(self._clock.monotonic() - began, None, probe)

    def _window(self) -> int:
        """How many may be started: as many as run at once, and those that will run within a moment."""
        at_once = self._share.part(self.planned.concurrency)
        if not self._pace or self.breaker.open:
            return at_once
        return min(max(at_once, int(at_once * AHEAD / self._pace)), max(at_once, MOST_AHEAD))

    def _tell(self) -> None:
        for event in self._listeners:
            event.set()


async def until(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, at most `seconds`."""
    if math.isinf(seconds):
        await event.wait()
        return
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return

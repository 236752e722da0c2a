"""The table of applied deliveries forgets what is old, a piece at a time, after deliveries and never in their way."""

from __future__ import annotations

import asyncio

from connectors.core.sql.client import Database
from engine.sdk import ConnectorContext, Failure

PIECE = 500  # rows forgotten after one batch; more than a batch writes, so that it comes to an end
LOOK_EVERY = 3600.0  # seconds, when nothing old was left

PATIENCE = 5.0  # seconds: without an index on `at`, in a table that somebody else made, it may take long


class Forgetting:
    """For one connection. `keep` in seconds."""

    def __init__(self, database: Database, keep: float) -> None:
        self._database = database
        self._keep = keep
        self._next = float("-inf")  # monotonic
        self._told = ""

    async def look(self, ctx: ConnectorContext) -> int:
        """Forget a piece if it is time to; answers how many rows went. A failure is told, and spoils no delivery."""
        now = ctx.clock.monotonic()
        if now < self._next:
            return 0
        self._next = now + LOOK_EVERY
        try:
            async with asyncio.timeout(PATIENCE):
                gone = await self._database.forget(self._keep, PIECE)
        except (Failure, TimeoutError) as error:
            self._tell(str(error) or f"it took longer than {PATIENCE:g} s", ctx)
            return 0
        self._told = ""
        if gone == PIECE:
            self._next = now
        return gone

    def _tell(self, why: str, ctx: ConnectorContext) -> None:
        if why != self._told:
            self._told = why
            ctx.log("old applied deliveries could not be forgotten; the table grows until they can", {"why": why})

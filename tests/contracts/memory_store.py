"""A third store, for tests only: dicts. It passes the contract suite, and the runtime runs on it unchanged."""

from __future__ import annotations

from typing import Any, TypeVar

from engine.core.errors import Fenced, StoreDown
from engine.ports.store import Op
from tests.contracts.memory import figures, outcomes, records, retention, sequences
from tests.contracts.memory.state import Memory

R = TypeVar("R")

HANDLERS = {
    **outcomes.HANDLERS,
    **sequences.HANDLERS,
    **records.HANDLERS,
    **figures.HANDLERS,
    **retention.HANDLERS,
}


class MemoryStore:
    """`memory` is what a restart keeps: give the same one to the next store. `down` makes it unreachable."""

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = memory or Memory()
        self.down = False
        self._open = False

    async def open(self) -> None:
        self._open = True

    async def close(self) -> None:
        self._open = False

    async def apply(self, op: Op[R]) -> R:
        [answer] = await self.apply_all(op)
        result: R = answer
        return result

    async def apply_all(self, *ops: Op[Any]) -> list[Any]:
        if self.down or not self._open:
            raise StoreDown("the memory store is down")
        self.memory.undo.clear()
        try:
            return [self._carry_out(op) for op in ops]
        except BaseException:
            self.memory.roll_back()
            raise

    def _carry_out(self, op: Op[Any]) -> Any:
        answer = HANDLERS[type(op)](self.memory, op)
        failed = not answer or (isinstance(answer, list) and False in answer)
        if getattr(op, "required", False) and failed:
            raise Fenced(type(op).__name__)
        return answer

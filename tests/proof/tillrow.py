"""A row of cash boxes that wait for an answer to each receipt, and ask again when none comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

BOXES = ("BOX-1", "BOX-2", "BOX-3", "BOX-4", "BOX-5")
IN_HAND = 3  # receipts a box has under way at a time: those of its waiters, say
AGAIN = 0.02  # seconds until it asks again
WAITS = 60.0  # seconds for an answer; a machine may be slow
# What a till does with a receipt: asks once, asks again later, asks two at once, or hangs up before it is answered.
WAYS, OFTEN = ("once", "again", "both", "hang up"), (60, 15, 15, 10)

Key = tuple[str, str]


def receipt(box: str, number: int) -> dict[str, Any]:
    """The first one of a box is its start receipt: it comes to nothing."""
    total = round(number + number % 100 / 100, 2)
    moment = {
        "date": "2027-03-14",
        "time": f"2027-03-14T{8 + number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}",
    }
    return {"box": box, "number": f"{number:04}", **moment, "total": total}


class TillRow:
    """`each` receipts of every box.

    answered   (box, number) -> the first answer
    differing  answers that were not the first one again
    refused    reasons a receipt was refused for
    repeats    how often an answer came again
    """

    def __init__(self, doors: Path, each: int, seed: str) -> None:
        self._doors, self._each = doors, each
        self._random = Random(seed)
        self.answered: dict[Key, Any] = {}
        self.differing: list[tuple[Key, Any, Any]] = []
        self.refused: list[str] = []
        self.repeats = 0

    @property
    def whole(self) -> int:
        """Receipts there will be."""
        return self._each * len(BOXES)

    async def sell(self) -> None:
        """All receipts of all boxes."""
        async with asyncio.TaskGroup() as group:
            for box in BOXES:
                group.create_task(self._box(box))

    async def ask_again(self, count: int) -> None:
        """Some that were answered before, wherever."""
        for box, number in self._random.sample(sorted(self.answered), count):
            await self._answer(receipt(box, int(number)))

    async def _box(self, box: str) -> None:
        await self._one(receipt(box, 0))
        waiting = iter(range(1, self._each))

        async def some() -> None:
            for number in waiting:
                await self._one(receipt(box, number))

        await asyncio.gather(*(some() for _ in range(IN_HAND)))

    async def _one(self, sold: dict[str, Any]) -> None:
        (way,) = self._random.choices(WAYS, OFTEN)
        if way == "hang up":
            await self._ask(sold, self._random.choice((0.0, 0.002, 0.01)))
        if way == "both":
            await asyncio.gather(self._answer(sold, 0), self._answer(sold, -1))
            return
        await self._answer(sold)
        if way == "again":
            await self._answer(sold)

    async def _answer(self, sold: dict[str, Any], door: int | None = None) -> None:
        """Until there is one."""
        while (told := await self._ask(sold, WAITS, door)) is None or "refused" in told:
            self.refused += [told["refused"]] if told else []
            await asyncio.sleep(AGAIN)
        key = sold["box"], sold["number"]
        before = self.answered.setdefault(key, told["reply"]["body"])
        if before is not told["reply"]["body"]:
            self.repeats += 1
        if before != told["reply"]["body"]:
            self.differing.append((key, before, told["reply"]["body"]))

    async def _ask(self, sold: dict[str, Any], waits: float, door: int | None = None) -> Any:
        """One process is asked. None when nobody answered in time."""
        doors = sorted(path for path in self._doors.iterdir() if path.suffix == "")
        if not doors:
            return None
        chosen = doors[door] if door is not None else self._random.choice(doors)
        try:
            reader, writer = await asyncio.open_unix_connection(chosen)
        except ConnectionRefusedError:  # its process is gone
            chosen.unlink(missing_ok=True)
            return None
        except OSError:  # it is gone already, or has no room for one more
            return None
        try:
            writer.write(json.dumps(sold).encode() + b"\n")
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(waits):
                    line = await reader.readline()
                    return json.loads(line, parse_float=str) if line.endswith(b"\n") else None
        finally:
            writer.close()
        return None


@contextmanager
def selling(row: TillRow) -> Iterator[Future[None]]:
    """In a thread of their own; what went wrong is raised when the result is asked for."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(lambda: asyncio.run(row.sell()))

"""Grouped commits: units of many callers share one transaction and one wait for the disk.

Units of one usual kind are a group, and that is one statement, see `ops/quick.py`. All others are carried out on a Draft
and written with a few statements, see `draft.py`. Units that read in between, and the few operations that are statements
of their own, run alone, operation by operation.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from engine.backends.postgres import ops
from engine.backends.postgres.connection import is_away, is_conflict, transaction
from engine.backends.postgres.crew import Job
from engine.backends.postgres.draft import Connection, Draft
from engine.backends.postgres.ops import quick
from engine.core.errors import Fenced, StoreDown
from engine.ports.store import Op

Unit = tuple[Op[Any], ...]

_MOST_UNITS = 500
_MOST_TRIES = 30
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"


class _Failed(NamedTuple):
    error: Exception


async def commit(connection: Connection, waiting: deque[Job[Unit]], seconds: float) -> None:
    """Take a group from the queue and carry it out, or give up after `seconds`; the work of a Crew."""
    await _see_to(connection, _group(waiting), seconds)


def _group(waiting: deque[Job[Unit]]) -> list[Job[Unit]]:
    """The first, and whatever may share its commit. Callers wait for their own units, so order among these is nobody's."""
    first = waiting.popleft()
    group = [first]
    if not _shareable(first.asked):
        return group
    kind = quick.kind(first.asked)
    left: list[Job[Unit]] = []
    while waiting and len(group) < _MOST_UNITS:
        job = waiting.popleft()
        alike = _shareable(job.asked) and quick.kind(job.asked) is kind
        (group if alike else left).append(job)
    waiting.extendleft(reversed(left))
    return group


def _shareable(unit: Unit) -> bool:
    return all(type(op) in ops.WRITES for op in unit)


async def _see_to(connection: Connection, group: Sequence[Job[Unit]], seconds: float) -> None:
    """Carry these out and tell their callers, whatever happens."""
    try:
        async with asyncio.timeout(seconds):
            outcomes = await _durable(connection, [job.asked for job in group])
    except Exception as error:
        if is_away(error):
            _tell_down(connection, group, error)
        elif len(group) == 1:
            group[0].fail(error)
        else:  # a value that cannot be written; whose it is shows when each is by itself
            for job in group:
                await _see_to(connection, [job], seconds)
        return
    for job, outcome in zip(group, outcomes, strict=True):
        if isinstance(outcome, _Failed):
            job.fail(outcome.error)
        else:
            job.answer(outcome)


def _tell_down(connection: Connection, group: Sequence[Job[Unit]], error: Exception) -> None:
    """The connection is given up, so that nothing of its transaction can come after this."""
    connection.terminate()
    for job in group:
        down = StoreDown(
            f"the store is away ({error or type(error).__name__}); repeat what was asked: it may be written"
        )
        down.__cause__ = error
        job.fail(down)


async def _durable(connection: Connection, units: Sequence[Unit]) -> list[Any]:
    """Their answers or failures, written. Raises what the driver raises: then nothing is known to be written."""
    for tried in range(_MOST_TRIES):
        try:
            return await _once(connection, units)
        except Exception as error:
            if not is_conflict(error):
                raise
        await asyncio.sleep(random.uniform(0, 0.002 * tried))
    raise StoreDown("others change the same rows without a pause; nothing was written")


async def _once(connection: Connection, units: Sequence[Unit]) -> list[Any]:
    opened = await quick.opened(connection, units)
    if opened is None:
        return await quick.closed(connection, units) or await _usual(connection, units)
    if opened.left:
        left = await _usual(connection, [unit for _, _, unit in opened.left])
        for (place, rows, _), outcome in zip(opened.left, left, strict=True):
            _fill_in(opened.answers, place, rows, outcome)
    return [outcome if isinstance(outcome, _Failed) else [outcome] for outcome in opened.answers]


def _fill_in(answers: list[Any], place: int, rows: Sequence[int], outcome: Any) -> None:
    """What became of those rows of a unit that were there already."""
    if isinstance(outcome, _Failed):
        answers[place] = outcome
        return
    for row, answer in zip(rows, outcome[0], strict=True):
        answers[place][row] = answer


async def _usual(connection: Connection, units: Sequence[Unit]) -> list[Any]:
    async with transaction(connection, _BEGIN, "COMMIT"):
        if all(map(_shareable, units)):
            return await _shared(connection, units)
        return await _alone(connection, units[0])


async def _shared(connection: Connection, units: Sequence[Unit]) -> list[Any]:
    """All of them on one draft. One that fails is taken back from it and harms no other."""
    draft = Draft()
    outcomes: list[Any] = [_prepared(draft, unit) for unit in units]
    await ops.load(draft, connection)
    for place, unit in enumerate(units):
        if outcomes[place] is None:
            outcomes[place] = _carried_out(draft, unit)
    await ops.flush(draft, connection)
    return outcomes


def _prepared(draft: Draft, unit: Unit) -> _Failed | None:
    try:
        for op in unit:
            ops.WRITES[type(op)].want(draft, op)
    except Exception as error:
        return _Failed(error)
    return None


def _carried_out(draft: Draft, unit: Unit) -> Any:
    mark = draft.mark()
    try:
        return [_checked(op, ops.WRITES[type(op)].carry(draft, op)) for op in unit]
    except Exception as error:
        draft.back_to(mark)
        return _Failed(error)


async def _alone(connection: Connection, unit: Unit) -> list[Any]:
    """One unit, each operation written before the next. Raises Fenced, and whatever else undoes it."""
    return [[_checked(op, await _operation(connection, op)) for op in unit]]


async def _operation(connection: Connection, op: Op[Any]) -> Any:
    statement = ops.READS.get(type(op)) or ops.DIRECT.get(type(op))
    if statement is not None:
        return await statement(connection, op)
    write, draft = ops.WRITES[type(op)], Draft()
    write.want(draft, op)
    await ops.load(draft, connection)
    answer = write.carry(draft, op)
    await ops.flush(draft, connection)
    return answer


def _checked(op: Op[Any], answer: Any) -> Any:
    """Raises Fenced when the operation is required and its condition fails."""
    if getattr(op, "required", False) and (not answer or (isinstance(answer, list) and not all(answer))):
        raise Fenced(f"{type(op).__name__} found another state than it needs; nothing of its unit was written")
    return answer

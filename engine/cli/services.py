"""What `doctor` says of the services that the settings name: whether they answer, and what is there."""

from __future__ import annotations

from engine.backends.rabbitmq.admin import allowed_too_much
from engine.backends.rabbitmq.control import Control
from engine.cells import command_store, names_of, rabbit
from engine.core.clock import SystemClock
from engine.core.errors import TillflowError
from engine.ports.store.workers import WorkersSince
from engine.runtime.heartbeat import LIVE
from engine.settings import EMBEDDED, Settings, where

Check = tuple[str, bool | None, str]  # what, whether it is well (None: it works, and should be put right), detail


async def services(settings: Settings) -> list[Check]:
    """Nothing where all is embedded."""
    checks: list[Check] = []
    if settings.transport != EMBEDDED:
        checks.append(await _transport(settings))
        checks.append(await _rights(settings, reached=checks[0][1] is True))
    if settings.store != EMBEDDED:
        checks.append(await _store(settings))
    return checks


async def _transport(settings: Settings) -> Check:
    broker = rabbit(settings, SystemClock(), lambda text, facts: None, look=True)
    name = f"transport {where(settings.transport)}"
    try:
        await broker.open()
        waiting = sum(depth.ready + depth.delayed for depth in (await broker.depths()).values())
    except TillflowError as error:
        return name, False, str(error)
    finally:
        await broker.close()
    return name, True, f"answers; {waiting} wait in its queues"


async def _rights(settings: Settings, *, reached: bool) -> Check:
    """An engine that only looks at its topology must not be able to change it: each thing is tried, and refused."""
    name = f"rights at {where(settings.transport)}"
    if not reached:
        return name, False, "not asked: the broker is not reached"
    if settings.topology == "manage":
        return name, True, "the engine makes its queues itself (TILLFLOW_TOPOLOGY=manage), so its user may configure"
    control = Control(settings.transport)
    try:
        allowed = await allowed_too_much(control, names_of(settings))
    except TillflowError as error:
        return name, False, str(error)
    finally:
        await control.close()
    if allowed:
        text = f"its user may {', '.join(allowed)}, and must not; `tillflow topology export --users` says what it needs"
        return name, False, text
    return name, True, "refused to its user, as it should be: making and deleting queues and exchanges"


async def _store(settings: Settings) -> Check:
    clock = SystemClock()
    store = command_store(settings, clock)
    name = f"store {where(settings.store)}"
    try:
        await store.open()
        live = await store.apply(WorkersSince(clock.now() - round(LIVE * 1_000_000)))
    except TillflowError as error:
        return name, False, str(error)
    finally:
        await store.close()
    return name, True, f"answers; the schema {settings.schema} is up to date, {len(live)} workers live"

"""`tillflow topology`: what is wanted against what the broker has. For a user who may configure.

A broker without plugins cannot be asked for a queue's arguments. So what is there is found by a passive declare, which
changes nothing, and only what exists is declared as it is wanted: the broker agrees, or names the first argument that
differs. Nothing is ever made by a comparison, and nothing that exists is changed by anything here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from engine.backends.rabbitmq.control import Control, Different, Forbidden, Missing
from engine.backends.rabbitmq.layout import Exchange, Layout, Queue
from engine.backends.rabbitmq.names import Names

State = Literal["there", "missing", "different", "unknown", "made"]


@dataclass(frozen=True)
class Step:
    """One exchange or queue. `text` says what differs, or why it cannot be told, and what to do."""

    kind: Literal["exchange", "queue"]
    name: str
    state: State
    text: str = ""


async def plan(control: Control, wanted: Layout) -> list[Step]:
    """Each exchange and queue, compared. Changes nothing. Raises TransportBlocked."""
    steps = [await _compared("exchange", one, control.exchange) for one in wanted.exchanges]
    return steps + [await _compared("queue", one, control.queue) for one in wanted.queues]


async def verify(control: Control, wanted: Layout) -> list[Step]:
    """Those that are not as they are wanted; none = all is well. Raises TransportBlocked."""
    return [step for step in await plan(control, wanted) if step.state != "there"]


async def apply(control: Control, wanted: Layout) -> list[Step]:
    """Make what is missing, bind everything; what differs is left and told. Raises SettingsError, TransportBlocked."""
    steps = {step.name: step for step in await plan(control, wanted)}
    for exchange in wanted.exchanges:
        if steps[exchange.name].state == "missing":
            await control.exchange(exchange)
    for queue in wanted.queues:
        if steps[queue.name].state == "missing":
            await control.queue(queue)
    for queue in wanted.queues:
        for source, key in queue.binds:
            await control.bind(queue.name, source, key)
    return [replace(step, state="made") if step.state == "missing" else step for step in steps.values()]


def export(wanted: Layout, vhost: str) -> dict[str, Any]:
    """The same as a definitions file, for `rabbitmqctl import_definitions`."""
    flags = {"vhost": vhost, "durable": True, "auto_delete": False}
    return {
        "exchanges": [
            {"name": one.name, "type": one.type, "internal": False, "arguments": dict(one.arguments), **flags}
            for one in wanted.exchanges
        ],
        "queues": [{"name": one.name, "arguments": dict(one.arguments), **flags} for one in wanted.queues],
        "bindings": [
            {
                "source": source,
                "vhost": vhost,
                "destination": one.name,
                "destination_type": "queue",
                "routing_key": key,
                "arguments": {},
            }
            for one in wanted.queues
            for source, key in one.binds
        ],
    }


@dataclass(frozen=True)
class Permissions:
    """Regular expressions for `rabbitmqctl set_permissions`: configure, write, read. `may` says it in words."""

    configure: str
    write: str
    read: str
    may: str


def permissions(names: Names) -> Mapping[str, Permissions]:
    """What each role may do."""
    prefix = names.prefix.replace(".", r"\.")
    own, whole = "route|lane|bus|events|retry|quarantine|work|directory", rf"^{prefix}\..*"
    return {
        "admin": Permissions(
            whole, whole, whole, "runs `tillflow topology apply`, or an engine that makes its queues itself"
        ),
        "engine": Permissions(
            "^$",
            rf"^{prefix}\.({own}|q\.route\..*)$",
            rf"^{prefix}\.(q\..*|{own})$",
            "an engine with TILLFLOW_TOPOLOGY=verify: publishes, consumes, binds a route's queue to event types; makes "
            "and deletes nothing",
        ),
        "source": Permissions("^$", rf"^{prefix}\.events$", "^$", "another system: publishes events, and nothing else"),
    }


async def _compared(kind: Literal["exchange", "queue"], wanted: Any, declare: Callable[..., Awaitable[object]]) -> Step:
    try:
        await declare(wanted, passive=True)
    except Missing:
        return Step(kind, wanted.name, "missing")
    except Different as error:
        return Step(kind, wanted.name, "different", str(error))
    try:
        await declare(wanted)
    except Different as error:
        return Step(kind, wanted.name, "different", str(error))
    except Forbidden as error:
        return Step(kind, wanted.name, "unknown", f"it exists; its arguments cannot be compared: {error}")
    return Step(kind, wanted.name, "there")


async def allowed_too_much(control: Control, names: Names) -> list[str]:
    """What an engine's user in `verify` mode must not be able to do, and can. Leaves nothing behind."""
    stray = Queue(names.own_queue("doctor"), {"x-queue-type": "quorum"})
    tries: dict[str, Callable[[], Awaitable[object]]] = {
        "make a queue": lambda: control.queue(stray),
        "make an exchange": lambda: control.exchange(Exchange(f"{names.prefix}.doctor", "fanout")),
        "delete a queue": lambda: control.delete(stray.name),
        "delete an exchange": lambda: control.delete_exchange(f"{names.prefix}.doctor"),
        "publish past the exchanges": lambda: control.publish_to_queue(stray.name),
    }
    allowed = []
    for what, attempt in tries.items():
        try:
            await attempt()
        except Forbidden:
            continue  # as it should be: only what is allowed is told
        allowed.append(what)
    return allowed

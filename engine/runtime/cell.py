"""A cell: a transport, a store and a zone. Everything at run time hangs on one; there are no globals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from engine.core.clock import Clock
from engine.ports.blobs import Blobs
from engine.ports.secrets import SecretSource
from engine.ports.store import Store
from engine.ports.transport import Transport
from engine.runtime.blockage import Blockage

Log = Callable[[str, Mapping[str, Any]], None]


def _nobody() -> AbstractContextManager[Sequence[str]]:
    return nullcontext(())


@dataclass(frozen=True)
class Cell:
    """What one engine process works with.

    worker     names this process in leases and logs
    shared     other processes may work with the same transport and store
    beside     others of these are on this host, under the same parent
    killed     a block in which others of this host are dead, and stay so: their names
    blockage   whether its transport takes what is published
    """

    transport: Transport
    store: Store
    blobs: Blobs
    secrets: SecretSource
    clock: Clock
    log: Log
    worker: str = "embedded"
    zone: str = ""
    shared: bool = False
    beside: bool = False
    killed: Callable[[], AbstractContextManager[Sequence[str]]] = _nobody
    blockage: Blockage = field(default_factory=Blockage, compare=False)

"""Stubs of one case: who fails how, for how long, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.config.models.tests import StubDoc
from engine.core.clock import Clock
from engine.core.errors import Failure, Permanent, Throttled, Transient, UnknownOutcome
from engine.testing.runner.values import duration

STUBBED = "stubbed"
WAIT = 5.0  # seconds a throttled one asks us to wait where the stub does not say
_REFUSED = {401: "unauthorized", 403: "forbidden", 404: "not-found", 409: "conflict"}


@dataclass
class Stub:
    """One stub and how often it has failed so far."""

    doc: StubDoc
    failed: int = 0

    @property
    def delay(self) -> float:
        return duration(self.doc.delay)

    def failure(self, elapsed: float) -> Failure | None:
        """How this try fails, `elapsed` seconds after the case began; None when it succeeds."""
        doc = self.doc
        over = (doc.times is not None and self.failed >= doc.times) or (
            doc.lasts is not None and elapsed >= duration(doc.lasts)
        )
        made = None if over else _failure(doc)
        self.failed += made is not None
        return made


def _failure(doc: StubDoc) -> Failure | None:
    if doc.fail is not None:
        return _of_class(doc.fail, doc)
    return _of_status(doc.status, doc) if doc.status is not None else None


def _of_class(kind: str, doc: StubDoc) -> Failure:
    reason, detail = doc.reason or STUBBED, f"the test has it fail ({kind})"
    if kind == "throttled":
        return Throttled(reason, detail, after=duration(doc.retry_after) or WAIT)
    classes: dict[str, type[Failure]] = {
        "transient": Transient,
        "permanent": Permanent,
        "unknown_outcome": UnknownOutcome,
    }
    return classes[kind](reason, detail, data={"status": doc.status} if doc.status else {})


def _of_status(status: int, doc: StubDoc) -> Failure | None:
    """As a connector for web services classifies an answer."""
    if 200 <= status < 300:
        return None
    detail, facts = f"status {status}", {"status": status}
    if status == 429 or (status == 503 and doc.retry_after):
        after = duration(doc.retry_after) or WAIT
        return Throttled(doc.reason or "throttled", detail, after=after, data=facts)
    if status in (425, 503):
        return Transient(doc.reason or "unavailable", detail, data=facts)
    if status == 408 or status >= 500:
        return UnknownOutcome(doc.reason or "server-error", detail, data=facts)
    return Permanent(doc.reason or _REFUSED.get(status, "refused"), detail, data=facts)


@dataclass
class Stubs:
    """The stubs of a case by name: `route/id`, id of a step or sink, or connection.

    start   when the case began, on the clock's monotonic time
    """

    clock: Clock
    start: float = 0.0
    by_name: dict[str, Stub] = field(default_factory=dict)

    @classmethod
    def of(cls, docs: Mapping[str, StubDoc], clock: Clock) -> Stubs:
        return cls(clock, clock.monotonic(), {name: Stub(doc) for name, doc in docs.items()})

    def find(self, route: str, id: str, connection: str = "") -> Stub | None:
        """The most particular one."""
        for name in (f"{route}/{id}", id, connection):
            if name and name in self.by_name:
                return self.by_name[name]
        return None

    def failure(self, stub: Stub) -> Failure | None:
        """How this try fails."""
        return stub.failure(self.clock.monotonic() - self.start)

    async def answer(self, stub: Stub) -> Any:
        """Wait, then fail or answer. Raises Failure."""
        if stub.delay:
            await self.clock.sleep(stub.delay)
        failure = self.failure(stub)
        if failure is not None:
            raise failure
        return stub.doc.returns

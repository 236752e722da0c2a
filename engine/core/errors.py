"""Everything that can go wrong, as one tree.

TillflowError
  ConfigError          files of the project have findings
  SettingsError        the engine was started wrongly
  StoreDown            the Store cannot be reached: an engine state, never a failure of a sink
    StoreFull          there is no room in it
    StoreDamaged       its file is there and cannot be read
  TransportBlocked     the Transport takes nothing for now (alarm, disk full)
  Fenced               a lease was lost: somebody else owns this now
  Failure              one event could not be handled; its class decides what happens next
    Transient          try again later                      -> delay tiers, then work item
    Throttled          the other side asked us to wait      -> as it asked, costs no attempt
    Permanent          trying again cannot help             -> work item at once
      Rejected         a rule of the route said no          -> work item with the rule's reason
      KeyIncomplete    a part of a key is missing or null   -> work item key-incomplete
    UnknownOutcome     the request left, the answer did not come -> the action's guarantee decides
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.core.findings import Finding


class TillflowError(Exception):
    """Base of all errors this project raises on purpose."""


class ConfigError(TillflowError):
    """The project's files have findings; nothing was built from them.

    sources   bytes of the files by path, where they are at hand: for excerpts
    """

    def __init__(self, findings: Sequence[Finding], sources: Mapping[str, bytes] | None = None) -> None:
        self.findings = tuple(findings)
        self.sources = dict(sources or {})
        first = self.findings[0] if self.findings else None
        super().__init__(f"{len(self.findings)} findings; first: {first}")


class SettingsError(TillflowError):
    """A setting or option of the engine itself is wrong; the text says which and what to do."""


class StoreDown(TillflowError):
    """The Store cannot be reached."""


class StoreFull(StoreDown):
    """It has no room for what was to be written; something small may still go through."""


class StoreDamaged(StoreDown):
    """The Store's file is damaged; the text says what a person does now, and what is lost then."""


class TransportBlocked(TillflowError):
    """The Transport takes nothing for now."""


class Fenced(TillflowError):
    """The lease behind this action is gone; its result must not be written."""


class Failure(TillflowError):
    """One event could not be handled.

    reason: kebab-case, stable, what a person filters work items by.
    detail: a sentence for people; never holds a secret or an unmasked private value.
    data:   small JSON-able facts beside the sentence (violations, pointers, response status).

    `unanswered` is set where a system was only asked for something and gave no answer, so nothing was changed.
    """

    kind = "permanent"
    unanswered = False

    def __init__(self, reason: str, detail: str = "", *, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
        self.data: Mapping[str, Any] = dict(data or {})


class Transient(Failure):
    """May work later."""

    kind = "transient"


class Throttled(Failure):
    """The other side asked us to slow down; `after` is in seconds."""

    kind = "throttled"

    def __init__(self, reason: str, detail: str = "", *, after: float, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(reason, detail, data=data)
        self.after = after


class Permanent(Failure):
    """Trying again cannot help."""


class Rejected(Permanent):
    """A rule written in the route refused the event."""


class KeyIncomplete(Permanent):
    """A part of a key is missing or null."""

    def __init__(self, detail: str, *, data: Mapping[str, Any] | None = None) -> None:
        super().__init__("key-incomplete", detail, data=data)


class UnknownOutcome(Failure):
    """The request may have had its effect; nobody knows."""

    kind = "unknown_outcome"

"""What running one event through one segment of a Plan gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from engine.core.errors import Failure


@dataclass(frozen=True, slots=True)
class Output:
    """One delivery-to-be.

    sink        id of the sink
    output_key  the split's key, parts joined by `|`; empty without a split
    body        the mapped document; for `event:` sinks the data of the event to publish
    schema      schema of `body` where one is known, `name@n`
    version     what makes it newer than another of its key, where the sink says so; 0 where it does not
    content     `body` as the transport carries it
    """

    sink: str
    output_key: str
    body: Any
    schema: str = ""
    version: int = 0
    content: bytes = field(default=b"", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened on the way and does not show in what comes out: a line of the journal.

    what    `caught`: a failure that the route goes on after; `stale-answer`: one older than its `ttl` was used
    place   of a system that could not be asked: the run of the `try` that caught it, see Frame.run_of
    facts   of the same: what the steps of `catch` were told
    """

    what: Literal["caught", "stale-answer"]
    detail: str
    place: str = ""
    facts: Any = None


@dataclass(frozen=True, slots=True)
class Filtered:
    """The route decided that this event ends here."""

    reason: str
    step: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A cut took the event: state to store before the input is acked.

    kind   `group` (an aggregate's member) or `timer` (a delay)
    key    group key as text, or the event id
    body   what is kept, encoded
    due    seconds from now for a timer, or the group's time limit; 0 = none
    close  the cause if this member completes its group by what it says itself (`trailer`, `when`)
    size   number of members that completes the group; 0 = not by number
    output_key   split keys of the frame: several frames of one event are several members, and go on under these keys
    """

    step: str
    kind: str
    key: str
    body: bytes
    due: float = 0.0
    close: str = ""
    size: int = 0
    amount: str = ""
    output_key: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """A step failed; nothing of this event may be published."""

    failure: Failure
    step: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """All of it: exactly one of outputs/kept, filtered or failed says what happened; `reply` for synchronous sources.

    An event that was filtered in one branch of a split and not in another has outputs and no `filtered`. `notes` stand
    beside any of them.
    """

    outputs: tuple[Output, ...] = ()
    kept: tuple[Kept, ...] = ()
    filtered: Filtered | None = None
    failed: Failed | None = None
    reply: Any = None
    taps: tuple[Output, ...] = field(default=())
    notes: tuple[Note, ...] = ()

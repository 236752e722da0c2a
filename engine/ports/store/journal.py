"""The journal: what happened to each event, searchable by business key. Never the truth, always the story."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from engine.ports.store.base import Op


class Entry(Struct, frozen=True):
    """One thing that happened.

    what     received | routed | filtered | published | applied | retrying | held | work-item | duplicate | replayed |
             discarded | superseded | grouped | continued | caught | stale-answer; of a document without news: read |
             duplicate | archived | grew
    keys     business keys as declared by the type (`{"receipt": "1001"}`), only where they are first known
    detail   a sentence; masked, of a long one an excerpt
    """

    at: int
    day: str
    event_id: str
    trace: str
    route: str
    what: str
    sink: str = ""
    attempt: int = 0
    detail: str = ""
    revision: str = ""
    event_type: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)


class JournalAppend(Op[None], frozen=True):
    """Add entries."""

    entries: Sequence[Entry]


class JournalFind(Op[list[Entry]], frozen=True):
    """Entries of every trace that `text` names: an event id, a trace id (or unique beginnings), or the value of a key.

    `name` limits the match to keys of that name. Oldest first.
    """

    text: str
    name: str = ""
    limit: int = 1000
    reads = True


class JournalPrune(Op[int], frozen=True):
    """Forget some thousand of the oldest entries from before `before` (UTC microseconds), with their keys.

    Answers how many; 0: none are left. Whoever writes meanwhile waits for a piece, not for a year of entries.
    """

    before: int

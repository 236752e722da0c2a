"""Retention: what is remembered longer than a route's `keep` is forgotten, a whole business day of a route at a time.

A day is over when nothing in it can still change or be asked for: every inbox row is `routed`, every delivery through a
lane has a final ledger row, no work item is open, nothing a cut kept waits, and all of it was written before `before`
(an old business day that came in yesterday is not old). A day with continuations stays as long as an earlier day of
the route has events that a cut kept: they are counted through these. Inbox, ledger, closed work items and members of
groups go together, so the figures of the days that stay are not touched.

Order numbers stay (one small row for each ordered event), and so does the audit.

Blobs are named by digest: in headers as `"tf-blob":"<digest>"`, in bodies as the ticket `"$blob":"<digest>"`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.ports.store.base import Op


class DaysKept(Op[list[tuple[str, str]]], frozen=True):
    """(route, day) of everything remembered of business days before `day`, oldest day first."""

    day: str
    reads = True


class DayForget(Op[int], frozen=True):
    """Forget one day of one route if it is over, so much of it that nobody waits long: ask again until nothing goes.

    Answers how many rows went, 0 when it is not over. What is left in between is still over, also after a crash.

    before   UTC microseconds: nothing written since then is forgotten
    most     rows of each kind that may go
    """

    route: str
    day: str
    before: int
    most: int = 2000


class RouteForget(Op[int], frozen=True):
    """Forget what a route remembers without a business day from before `before` (UTC microseconds): what its source has
    seen, timers that were carried out, finished groups without members. Answers how many rows went.

    The newest generation of a group stays: numbers count on, or a new group would have the identity of an old one.
    """

    route: str
    before: int


class BlobsNamed(Op[set[str]], frozen=True):
    """Digests of the blobs that rows with a body name: held ones, timers to come, members of groups, work items."""

    reads = True


BLOB_MARKS = ('"tf-blob"', '"$blob"')  # what stands in front of a digest
_NAMED = re.compile(rb'"(?:tf-blob|\$blob)":"([0-9a-f]{64})"')


def digests_in(rows: Iterable[tuple[str, bytes]]) -> set[str]:
    """Digests named in headers (JSON text) and bodies."""
    return {
        digest.decode()
        for headers, body in rows
        for text in (headers.encode(), body)
        for digest in _NAMED.findall(text)
    }

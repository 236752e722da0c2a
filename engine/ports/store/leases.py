"""Who owns what: leases with fencing tokens, and the cursors of polled sources."""

from __future__ import annotations

from engine.ports.store.base import Op


class LeaseTake(Op[int], frozen=True):
    """Take or renew a lease for `seconds`; answers the fencing token (grows with each new owner), 0 when taken.

    Renewing keeps the token, also after the lease ran out if nobody else took it in between.
    """

    name: str
    owner: str
    now: int
    seconds: float
    required: bool = False


class LeaseDrop(Op[None], frozen=True):
    """Give it up; nothing happens when somebody else has it. The next owner, even the same one, gets a larger token."""

    name: str
    owner: str


class CursorGet(Op[str], frozen=True):
    """Where a source stands; empty when it has not begun."""

    name: str
    reads = True


class CursorSet(Op[bool], frozen=True):
    """Advance; False when `token` is older than the newest of the lease with the same name."""

    name: str
    value: str
    token: int
    required: bool = False


class SeenAdd(Op[bool], frozen=True):
    """Remember that a source has taken this in (a file's digest, for one); False when it had."""

    source: str
    key: str
    now: int
    note: str = ""


class SeenGet(Op[str | None], frozen=True):
    """The note of what was taken in; None when it was not."""

    source: str
    key: str
    reads = True

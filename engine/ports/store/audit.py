"""Audit: who changed what, when and why. Each row holds the hash of the one before it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import astuple, replace

from engine.core.ids import part
from engine.ports.store.base import Op


class AuditRow(Struct, frozen=True):
    """One change. `before` and `after` are digests or short masked texts. seq and hash are filled by the Store."""

    at: int
    actor: str
    action: str
    target: str
    reason: str = ""
    before: str = ""
    after: str = ""
    seq: int = 0
    hash: str = ""


def chained(row: AuditRow, before: AuditRow | None) -> AuditRow:
    """The row as it follows `before`: its sequence number, and the hash over its facts and the hash before it."""
    numbered = replace(row, seq=before.seq + 1 if before else 1, hash="")
    hasher = hashlib.sha256(before.hash.encode() if before else b"")
    for fact in astuple(numbered):
        hasher.update(part(fact))
    return replace(numbered, hash=hasher.hexdigest())


class AuditAppend(Op[int], frozen=True):
    """Append; answers the sequence number."""

    row: AuditRow


class AuditList(Op[list[AuditRow]], frozen=True):
    """Newest first. `targets`: only rows about one of these; empty: about anything."""

    limit: int = 100
    targets: Sequence[str] = ()
    reads = True


class AuditVerify(Op[int], frozen=True):
    """0 when the chain is whole, else the sequence number of the first row that does not fit."""

    reads = True

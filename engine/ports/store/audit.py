"""Audit: who changed what, when and why. Each row holds the hash of the one before it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.ports.store.base import Op


@dataclass(frozen=True, slots=True)
class AuditRow:
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


@dataclass(frozen=True)
class AuditAppend(Op[int]):
    """Append; answers the sequence number."""

    row: AuditRow


@dataclass(frozen=True)
class AuditList(Op[list[AuditRow]]):
    """Newest first."""

    limit: int = 100
    reads = True


@dataclass(frozen=True)
class AuditVerify(Op[int]):
    """0 when the chain is whole, else the sequence number of the first row that does not fit."""

    reads = True

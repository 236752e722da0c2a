"""A death as the parent of a process notes it."""

from __future__ import annotations

from pathlib import Path

from engine.runtime.watch import executing_in, judge, read_suspects, write_down


def note_death(folder: Path, number: int = 1) -> None:
    """The child of that number died just now."""
    known, _, _ = judge(read_suspects(folder), executing_in(folder, number))
    write_down(folder, known)

"""What a person hands to a command: a file, or standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.cli.output import Exit, fail

MOST = 64 << 20  # bytes


def given(file: Path | None) -> bytes:
    """Its bytes. Ends with exit code 2 for what is no regular file or pipe, cannot be read, or is larger than 64 MiB."""
    if file is None or str(file) == "-":
        name, raw = "standard input", sys.stdin.buffer.read(MOST + 1)
    else:
        name, raw = str(file), _read(file)
    if len(raw) > MOST:
        fail(f"{name} is larger than {MOST >> 20} MiB", Exit.USAGE, "give a smaller one: this is for trying things out")
    return raw


def _read(file: Path) -> bytes:
    if not (file.is_file() or file.is_fifo()):
        fail(f"{file} is no file", Exit.USAGE, "name a regular file, or - for standard input")
    try:
        with file.open("rb") as opened:
            return opened.read(MOST + 1)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}", Exit.USAGE)

"""Standard input, output and error: there even where the caller closed them, and an error of theirs says whose it is."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO


class _Written(io.FileIO):
    """What is written goes to a descriptor. Raises OSError with a sentence that says what takes nothing."""

    def __init__(self, descriptor: int, called: str) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._called = called
        self.failed = False
        self.given_up = False

    def write(self, data: object) -> int | None:  # type: ignore[override]
        if self.given_up:
            return memoryview(data).nbytes  # type: ignore[arg-type]
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            self.failed = True
            advice = "make room there, or send it elsewhere; then run the command again"
            raise OSError(error.errno, f"{self._called} takes nothing: {error.strerror}; {advice}") from None


def begin() -> None:
    """Have all three. Those that are missing lead to nowhere, else the next file opened would take their descriptor."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest free one: that of the missing stream
            os.set_inheritable(descriptor, True)
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8", closefd=False))
    sys.stdout = _watched(sys.stdout, "standard output")
    sys.stderr = _watched(sys.stderr, "standard error")


def _watched(stream: TextIO, called: str) -> TextIO:
    stream.flush()
    at_once = bool(getattr(stream, "line_buffering", False) or getattr(stream, "write_through", False))
    return io.TextIOWrapper(
        io.BufferedWriter(_Written(stream.fileno(), called)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=at_once,
    )


def give_up() -> None:
    """What took nothing once is not tried again: what is left in its buffer would fail once more when Python ends."""
    for stream in (sys.stdout, sys.stderr):
        raw = getattr(getattr(stream, "buffer", None), "raw", None)
        if isinstance(raw, _Written):
            raw.given_up = raw.failed

"""What an engine process says of itself: one JSON object a line on stderr, also of what libraries say."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from engine.core.clock import Clock, iso
from engine.core.masking import mask_pan_text
from engine.core.visible import visible_json
from engine.runtime.cell import Log


class StderrLog:
    """Control characters are escaped, card numbers are masked.

    always   facts that stand in every line, whoever writes it: the revision that runs
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.always: Callable[[], Mapping[str, Any]] = dict

    def __call__(self, text: str, facts: Mapping[str, Any]) -> None:
        told = {name: _plain(value) for name, value in {**facts, **self.always()}.items()}
        line = {"time": iso(self._clock.now()), "text": mask_pan_text(text), **told}
        sys.stderr.write(visible_json(json.dumps(line, ensure_ascii=False)) + "\n")


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | bool | None) else mask_pan_text(str(value))


@asynccontextmanager
async def of_libraries(log: Log) -> AsyncIterator[None]:
    """Until the block ends, warnings and errors that a library or a connector gives to `logging` are lines of it too."""
    handler = _Passing(log)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


class _Passing(logging.Handler):
    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        facts = {"part": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            facts["why"] = f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
        self._log(record.getMessage(), facts)

"""What an engine process says of itself on stderr: a JSON object a line, or on a terminal a line for people.

Both have the time (UTC), a level, the text, and the facts; a line for people leaves out what only machines search by.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from engine.core.clock import Clock, iso
from engine.core.masking import mask_pan_text
from engine.core.visible import visible, visible_json
from engine.runtime.cell import Log

if TYPE_CHECKING:
    from rich.console import Console

REASONS = ("why", "problem", "error", "reason")  # facts that say what is wrong: a line with one is a warning
_NOT_SHOWN = frozenset({"time", "text", "level", "route", "part", "revision", "number", *REASONS})
_COLOURS = {"info": "green", "warning": "yellow", "error": "bold red"}
_WHO = 16  # columns of a route's name; a longer one takes what it needs


class StderrLog:
    """Control characters are escaped, card numbers are masked.

    form     human or json; empty: human where stderr is a terminal, json elsewhere
    always   facts that stand in every line, whoever writes it: the revision that runs

    A fact `level` (info, warning, error) is the line's level; without it a line that names a reason is a warning.
    """

    def __init__(self, clock: Clock, form: str = "") -> None:
        self._clock = clock
        self._form = form
        self.always: Callable[[], Mapping[str, Any]] = dict

    def __call__(self, text: str, facts: Mapping[str, Any]) -> None:
        told = {name: _plain(value) for name, value in {**facts, **self.always()}.items()}
        level = told.pop("level", None) or ("warning" if any(told.get(name) for name in REASONS) else "info")
        line = {"time": iso(self._clock.now()), "level": level, "text": mask_pan_text(text), **told}
        if self._form == "human" or (not self._form and sys.stderr.isatty()):
            _print_for_people(line)
        else:
            sys.stderr.write(visible_json(json.dumps(line, ensure_ascii=False)) + "\n")


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | bool | None) else mask_pan_text(str(value))


# --- for people ------------------------------------------------------------------------------------------------------


def _print_for_people(line: Mapping[str, Any]) -> None:
    """`14:44:02Z warning till-sales       a source failed: no such folder  try=3 revision=7`."""
    from rich.text import Text

    why = next((f": {line[name]}" for name in REASONS if line.get(name)), "")
    facts = {name: value for name, value in line.items() if name not in _NOT_SHOWN and value not in (None, "")}
    if "number" in line:
        facts["revision"] = line["number"]
    shown = Text()
    shown.append(f"{line['time'][11:19]}Z ", "dim")
    shown.append(f"{line['level']:<7} ", _COLOURS.get(line["level"], ""))
    shown.append(f"{visible(str(line.get('route') or line.get('part') or 'engine')):<{_WHO}} ", "bold")
    shown.append(visible(f"{line['text']}{why}"))
    if facts:
        shown.append("  " + visible(" ".join(f"{name}={value}" for name, value in facts.items())), "dim")
    _console().print(shown)


def _console() -> Console:
    """Rich itself honours NO_COLOR and TERM=dumb; a line is never broken, so that it can be copied."""
    from rich.console import Console

    return Console(file=sys.stderr, soft_wrap=True, highlight=False, markup=False, emoji=False)


# --- of others -------------------------------------------------------------------------------------------------------


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
        facts = {"part": record.name, "level": "error" if record.levelno >= logging.ERROR else "warning"}
        if record.exc_info and record.exc_info[1] is not None:
            facts["why"] = f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
        self._log(record.getMessage(), facts)

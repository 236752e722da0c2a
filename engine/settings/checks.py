"""What each setting may be. Every check raises SettingsError with a sentence that says what to do."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from engine.core.errors import SettingsError
from engine.settings.addresses import EMBEDDED, PREFIX, where

LOG_FORMATS = ("human", "json")
MODES = ("manage", "verify")
MOST_WORKERS = 64
_CELL = re.compile(r"[a-z][a-z0-9_]{0,30}")
_ZONE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


# --- words -----------------------------------------------------------------------------------------------------------


def yes(environ: Mapping[str, str], name: str) -> bool:
    """Yes where nothing is said."""
    text = environ.get(PREFIX + name, "") or "yes"
    if text not in ("yes", "no"):
        raise SettingsError(f"{PREFIX}{name} is {text!r}; it is yes or no")
    return text == "yes"


def number(environ: Mapping[str, str], name: str) -> int:
    """1 where nothing is said."""
    text = environ.get(PREFIX + name) or "1"
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise SettingsError(f"{PREFIX}{name} is {text!r}; it is a whole number from 1 to {MOST_WORKERS}")
    return int(text)


def check_workers(workers: int, worker: int) -> None:
    """How many there are, and which of them this one is."""
    if not 1 <= workers <= MOST_WORKERS:
        raise SettingsError(f"{workers} workers are not possible; choose 1 to {MOST_WORKERS}")
    if not 1 <= worker <= MOST_WORKERS:
        raise SettingsError(
            f"{PREFIX}WORKER is {worker}; `tillflow run` sets it for the workers it starts, from 1 to {MOST_WORKERS}. "
            "Unset it"
        )


def check_together(transport: str, store: str, workers: int) -> None:
    """Which transport, store and number of workers go together."""
    if transport == EMBEDDED and store != EMBEDDED:
        raise SettingsError(
            f"the store is {where(store)} and the transport `sqlite`: that is refused. A SQLite transport "
            "belongs to one process of one host, while engines on other hosts may work over the same PostgreSQL "
            "and would wait for events they cannot see. Give a RabbitMQ with --transport amqp://.., or leave both "
            "at `sqlite`"
        )
    if workers > 1 and store == EMBEDDED:
        raise SettingsError(
            f"{workers} workers need a store that several processes can share, and SQLite has one owner. Give "
            "--transport amqp://.. and --store postgresql://.., or run one worker"
        )


def check_names(topology: str, zone: str, cell: str) -> None:
    """Names that are given through the environment only."""
    if topology not in MODES:
        raise SettingsError(f"{PREFIX}TOPOLOGY is {topology!r}; it is one of {', '.join(MODES)}")
    if zone and not _ZONE.fullmatch(zone):
        raise SettingsError(
            f"{PREFIX}ZONE is {_short(zone)}; a zone has at most 63 letters, digits, - _ and ., and begins with a "
            "letter or a digit, as in eu-west"
        )
    if cell and not _CELL.fullmatch(cell):
        raise SettingsError(
            f"{PREFIX}CELL is {_short(cell)}; a name begins with a lower case letter, and goes on with at most 30 "
            "lower case letters, digits and _"
        )


def check_log_format(form: str) -> None:
    """How lines of the log are written."""
    if form not in ("", *LOG_FORMATS):
        told = f"the format of the log (--log-format or {PREFIX}LOG_FORMAT) cannot be {_short(form)}"
        raise SettingsError(f"{told}; it is {' or '.join(LOG_FORMATS)}")


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")


# --- folders ---------------------------------------------------------------------------------------------------------


def check_secrets(folder: Path | None) -> None:
    """It is there and can be read, where one is named: an engine without its secrets would begin and fail at each."""
    if folder is None:
        return
    advice = f"correct {PREFIX}SECRETS, or unset it where secrets come from variables {PREFIX}SECRET_<NAME>"
    if not folder.exists():
        raise SettingsError(f"the folder of secrets {folder} does not exist; {advice}")
    if not folder.is_dir():
        raise SettingsError(f"{folder} is no folder of secrets; {advice}")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise SettingsError(f"the folder of secrets {folder} cannot be read; give the right to, or {advice}")


def make_state(folder: Path) -> None:
    """The state folder, made where it is missing, can be written."""
    advice = f"choose another with --state or {PREFIX}STATE"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = "a file has this name" if isinstance(error, FileExistsError) else error.strerror
        raise SettingsError(f"the state folder {folder} cannot be made: {why}; {advice}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SettingsError(f"nothing may be written in the state folder {folder}; give the right to, or {advice}")

"""What outside systems say, without what must not be written down: they repeat secrets and card numbers in their errors."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from engine.compile.plan import PlannedConnection
from engine.core.errors import Failure
from engine.core.masking import HIDDEN, mask_pan_text
from engine.ports.secrets import Secret

SHORTEST = 4  # characters; a shorter secret would blacken words that have nothing to do with it
DEEPEST = 8  # levels of a configuration
_PROOF = re.compile(r"(?i)\b(bearer|basic)(\s+)[\w.~+/=-]{8,}")  # also those that were fetched while running


def hidden(failure: Failure, planned: PlannedConnection | None) -> Failure:
    """The same failure, its text and facts without the secrets of its connection and without card numbers."""
    secrets = sorted(_forms(planned), key=len, reverse=True)
    failure.detail = _hide(failure.detail, secrets)
    failure.data = {name: _value(value, secrets) for name, value in failure.data.items()}
    failure.args = (f"{failure.reason}: {failure.detail}" if failure.detail else failure.reason,)
    return failure


def hidden_text(text: str, planned: PlannedConnection | None) -> str:
    """A text for the log, without the secrets of this connection and without card numbers."""
    return _hide(text, sorted(_forms(planned), key=len, reverse=True))


def _hide(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return mask_pan_text(_PROOF.sub(rf"\1\2{HIDDEN}", text))


def _value(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, str):
        return _hide(value, secrets)
    if isinstance(value, Mapping):
        return {name: _value(one, secrets) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_value(one, secrets) for one in value]
    return value


def _forms(planned: PlannedConnection | None) -> set[str]:
    """The secrets of a connection as they may come back: as they are, in base64, in an address."""
    found = set(_secrets(planned.config, 0)) if planned is not None else set()
    long = {value for value in found if len(value) >= SHORTEST}
    return long | {base64.b64encode(value.encode()).decode() for value in long} | {quote(value, "") for value in long}


def _secrets(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, Secret):
        yield value.reveal()
    elif depth < DEEPEST:
        for one in _parts(value):
            yield from _secrets(one, depth + 1)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    return list(getattr(value, "__dict__", {}).values())

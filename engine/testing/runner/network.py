"""No case reaches the network, whatever a plugin tries: an audit hook of the interpreter refuses it while one runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_REFUSED = frozenset({"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.bind"})


class NetworkRefused(OSError):
    """Something in a test tried to reach the network."""


class _Guard:
    """Audit hooks stay for the life of the process; this one does nothing unless a case runs."""

    def __init__(self) -> None:
        self.told: list[str] | None = None
        self.installed = False

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if self.told is None or event not in _REFUSED:
            return
        text = f"something reached for the network: {event.removeprefix('socket.')} {_target(args)}"
        if text not in self.told:
            self.told.append(text)
        raise NetworkRefused(text)


def _target(args: tuple[Any, ...]) -> str:
    named = [arg for arg in args if isinstance(arg, str | bytes | tuple)]
    return ":".join(map(str, named[0] if named and isinstance(named[0], tuple) else named)) or "an unknown address"


_guard = _Guard()


@contextmanager
def no_network(problems: list[str]) -> Iterator[None]:
    """Refuse connections inside; each attempt is a sentence in `problems`."""
    if not _guard.installed:
        _guard.installed = True
        sys.addaudithook(_guard)
    before, _guard.told = _guard.told, problems
    try:
        yield
    finally:
        _guard.told = before

"""The broker's address, and what is said when nothing good is there. Passwords are never told.

TLS is `amqps://`, with files named in the query: `cafile` (who signed the broker's certificate; else the system's own),
`certfile` and `keyfile` (ours, where the broker asks for one).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiormq.exceptions import (
    AMQPError,
    AuthenticationError,
    ConnectionClosed,
    ConnectionNotAllowed,
    InvalidFrameError,
    ProbableAuthenticationError,
)
from yarl import URL

from engine.backends.rabbitmq.dataplane import Unreachable
from engine.core.errors import SettingsError

HEARTBEAT = "10"  # seconds, where the address says nothing; a dead peer is noticed after three
_REFUSED = (AuthenticationError, ProbableAuthenticationError, ConnectionNotAllowed, InvalidFrameError)

# What TLS says, and what to do about it.
_TLS = {
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not trusted here, or is for another name. Name who signed it with "
    "`?cafile=..` in the transport's address, and connect by the name it was made for",
    "CERTIFICATE_REQUIRED": "it asks for a certificate of ours. Name one with `?certfile=..&keyfile=..` in the "
    "transport's address",
}

_AWAY = "Start it, or correct host and port of the transport's address (--transport or TILLFLOW_TRANSPORT)"

# Everything a connection or channel can end with.
LOST = (AMQPError, OSError, TimeoutError, RuntimeError)


@contextmanager
def answered() -> Iterator[None]:
    """Around each wait for an answer of the broker.

    Whoever waits on a connection while somebody else closes it gets CancelledError from aiormq, though nobody cancelled
    his task: let through, it would end a task that has to live on, without a word. Raises ConnectionAbortedError then.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise ConnectionAbortedError("the connection was closed while an answer was waited for") from error


def with_defaults(url: str, name: str) -> URL:
    """The address with a heartbeat and the name that the broker's tools show, where it has none."""
    try:
        address = URL(url)
        proper = address.scheme in ("amqp", "amqps") and address.host is not None
    except ValueError:
        proper = False
    if not proper:
        raise SettingsError("the transport's address is not of the form amqp://user:password@host:5672/vhost")
    if address.scheme == "amqps":
        _check_files(address)
    return address.with_query({"heartbeat": HEARTBEAT, "name": name, **address.query})


def _check_files(address: URL) -> None:
    """A file that cannot be used is a matter of settings, not of a broker that may come back."""
    query = address.query
    asked = ""
    try:
        asked = "cafile"
        context = ssl.create_default_context(cafile=query.get("cafile"), capath=query.get("capath"))
        asked = "certfile and keyfile"
        if "certfile" in query:
            context.load_cert_chain(query["certfile"], query.get("keyfile"))
    except OSError as error:  # an error of TLS is one too
        names = ", ".join(f"{name}={query[name]}" for name in asked.split(" and ") if name in query)
        why = getattr(error, "reason", "") or error.strerror or str(error)
        raise SettingsError(f"the transport's address names {asked} that cannot be used ({names}): {why}") from None


def failed(address: URL, error: BaseException) -> SettingsError | Unreachable:
    """What a connection that did not come about means."""
    where = f"{address.host}:{address.port or (5671 if address.scheme == 'amqps' else 5672)}{address.path}"
    untrusted = _TLS.get(next((name for name in _TLS if name in told(error)), ""))
    if untrusted is not None:
        return SettingsError(f"RabbitMQ at {where}: {untrusted}")
    closed = isinstance(error, ConnectionClosed) and error.args[:1] in ((530,), (403,))
    if not closed and not isinstance(error, _REFUSED):
        return Unreachable(f"RabbitMQ at {where} cannot be reached: {told(error)}{_next(address, error)}")
    # A vhost that is not there is answered by closing, which aiormq only calls a frame it did not expect.
    why = "it closes the connection" if isinstance(error, InvalidFrameError) else told(error)
    return SettingsError(
        f"RabbitMQ at {where} refuses the user `{address.user or 'guest'}`: {why}. "
        "Check user, password and vhost of the transport's address, and the user's permissions in that vhost"
    )


def _next(address: URL, error: BaseException) -> str:
    """What to do. A broker that misses our certificate says so and closes at once: often only the closing arrives."""
    if address.scheme == "amqps" and "certfile" not in address.query and "reset" in told(error).lower():
        return f"; perhaps {_TLS['CERTIFICATE_REQUIRED']}"
    return f". {_AWAY}"


def told(error: BaseException | None) -> str:
    """An error of aiormq as text."""
    if error is None:
        return "closed"
    texts = [str(part) for part in error.args if part not in (None, "") and not isinstance(part, type)]
    return " ".join(texts) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)


def reason(closing: asyncio.Future[Any]) -> str:
    """Why a channel or connection is gone, from its `closing`."""
    return "closed" if closing.cancelled() else told(closing.exception())

"""Whether the other side answers: a connection is opened and closed, and no request is sent."""

from __future__ import annotations

import asyncio
import ssl
from urllib.parse import urlsplit

from connectors.core.http.addresses import resolve
from engine.sdk import Transient

WITHIN = 5.0  # seconds


async def reached(url: str, allow_private: bool, ca_file: str) -> str:
    """What was asked and what answered. Raises Transient `no-answer`, and Failure as `resolve` does."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    address = await resolve(host, port, allow_private)
    where = f"{host}:{port}" if address == host else f"{host}:{port} ({address})"
    context = ssl.create_default_context(cafile=ca_file or None) if secure else None
    try:
        async with asyncio.timeout(WITHIN):
            _, writer = await asyncio.open_connection(
                address, port, ssl=context, server_hostname=host if secure else None
            )
    except TimeoutError:
        raise Transient("no-answer", f"{where} takes no connection within {WITHIN:g} s") from None
    except OSError as error:
        why = error.strerror or str(error)
        raise Transient("no-answer", f"{where} takes no connection: {why}") from error
    writer.transport.abort()
    return f"{where} takes connections{' by TLS' if secure else ''}; no request was sent"

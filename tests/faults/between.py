"""tests/tcp_proxy.py for stories of processes: it runs in a thread of its own and is steered from outside."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from yarl import URL

from tests.tcp_proxy import Proxy


class Between:
    """A proxy before the server of `address`."""

    def __init__(self, address: str, loop: asyncio.AbstractEventLoop) -> None:
        self._url = URL(address)
        self._loop = loop
        self.proxy = Proxy(self._url.host or "127.0.0.1", self._url.port or 0)

    @property
    def address(self) -> str:
        """The address that leads through it."""
        return str(self._url.with_port(self.proxy.port))

    def away(self) -> None:
        """Every connection is cut, and no new one is taken."""
        self._do(self.proxy.leave())

    def back(self) -> None:
        """At the same port again."""
        self._do(self.proxy.come_back())

    def _do(self, what: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(30)


@contextmanager
def between(address: str) -> Iterator[Between]:
    """A proxy as long as the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    made = Between(address, loop)
    made._do(made.proxy.__aenter__())
    try:
        yield made
    finally:
        made._do(made.proxy.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

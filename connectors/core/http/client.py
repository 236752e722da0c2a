"""A guarded HTTP client for one host: bounded in time and size, no redirects, no proxies of the environment."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from connectors.core.http.addresses import resolve
from connectors.core.http.exchange import Answer, Leaving
from engine.sdk import Failure, Fenced, Permanent, Transient, UnknownOutcome

CONNECT_TIMEOUT = 5.0
KEPT = 20  # connections that are kept open for later


class HttpClient:
    """Sends requests to one host. `base` is `https://host:port/path`."""

    def __init__(self, base: str, allow_private: bool, max_response: int, ca_file: str = "") -> None:
        self._base = urlsplit(base)
        self._allow_private = allow_private
        self._max_response = max_response
        # The connection's own limits bound how many requests run. A second bound here would make them wait in httpcore's
        # pool, and one whose time is over while it waits there takes a place of the pool along for ever.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=KEPT, keepalive_expiry=15)
        self._client = httpx.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            verify=_trusted(self._base.scheme, ca_file),
            limits=limits,
            timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT),
        )

    @property
    def host(self) -> str:
        return self._base.hostname or ""

    @property
    def port(self) -> int:
        return self._base.port or (443 if self._base.scheme == "https" else 80)

    def address(self, path: str, query: str = "") -> str:
        """The full address of a path below the base."""
        prefix = self._base.path.rstrip("/")
        return f"{self._base.scheme}://{self._base.netloc}{prefix}{path or '/'}{'?' + query if query else ''}"

    async def close(self) -> None:
        """Close the connections that are kept open."""
        await self._client.aclose()

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, within: float, leaving: Leaving
    ) -> Answer:
        """One request `within` so many seconds, all of it. `leaving` is called right before its first byte goes out.

        Raises Permanent `bad-request` for an address that cannot be, Transient while nothing has left, UnknownOutcome
        afterwards.
        """
        left = False

        async def trace(event: str, info: Any) -> None:
            nonlocal left
            if event.endswith("send_request_headers.started"):
                leaving()
                left = True

        try:
            async with asyncio.timeout(within):
                request = await self._request(method, url, headers, body, trace)
                return await self._answer(request)
        except (Failure, Fenced):
            raise
        except TimeoutError:
            raise _failed(left, "timeout", f"{self.host} did not answer within {within:g} s") from None
        except httpx.InvalidURL as error:
            raise Permanent("bad-request", f"the address cannot be asked: {error}") from None
        except (httpx.HTTPError, OSError) as error:
            raise _failed(left, "no-answer", f"{self.host}: {_told(error)}") from error

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, trace: Any
    ) -> httpx.Request:
        parts = urlsplit(url)
        if (parts.scheme, parts.hostname) != (self._base.scheme, self.host):
            raise Permanent(
                "address-refused",
                f"a request to {parts.scheme}://{parts.hostname} does not leave through the connection to {self._base.scheme}://{self.host}",
            )
        address = await resolve(self.host, self.port, self._allow_private)
        shown = f"[{address}]" if ":" in address else address
        pinned = parts._replace(netloc=f"{shown}:{self.port}").geturl()
        sent = {"Host": self._base.netloc, "Accept-Encoding": "identity", **headers}
        coded = {name.encode(): text.encode("latin-1") for name, text in sent.items()}  # text would be taken for ASCII
        extensions = {"sni_hostname": self.host, "trace": trace}
        return self._client.build_request(method, pinned, headers=coded, content=body or None, extensions=extensions)

    async def _answer(self, request: httpx.Request) -> Answer:
        response = await self._client.send(request, stream=True)
        try:
            body, complete = b"", response.headers.get("content-encoding", "identity") == "identity"
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > self._max_response:
                    body, complete = body[: self._max_response], False
                    break
            return Answer(response.status_code, dict(response.headers), body, complete)
        finally:
            await response.aclose()
            # It and its stream hold each other: some fifty objects a request that only a search for garbage would free.
            response.stream = httpx.ByteStream(b"")


def _failed(left: bool, reason: str, detail: str) -> Failure:
    return UnknownOutcome(reason, detail) if left else Transient(reason, detail)


# What happened, in words; the first that fits.
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (httpx.ConnectError, "no connection could be made"),
    (httpx.ConnectTimeout, "no connection could be made in time"),
    (httpx.TimeoutException, "no answer came in time"),
    (httpx.WriteError, "the connection broke off while the request was sent"),
    (httpx.ReadError, "the connection broke off before the answer was complete"),
    (httpx.RemoteProtocolError, "what came back is no answer of HTTP, or half of one"),
)


def _told(error: Exception) -> str:
    """An error as people read it: what happened, and what the system says was the reason."""
    what = next((words for kind, words in _WORDS if isinstance(error, kind)), "the request failed")
    cause: BaseException = error
    while cause.__cause__ is not None or cause.__context__ is not None:
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]
    if isinstance(cause, OSError) and cause.errno and not isinstance(cause, ssl.SSLError):
        return f"{what}: {os.strerror(cause.errno)}"
    return f"{what}: {error or type(error).__name__}"


def _trusted(scheme: str, ca_file: str) -> ssl.SSLContext | bool:
    """Whose certificates are taken. Without TLS no request is made that could ask, and reading them all takes 20 ms."""
    if scheme != "https":
        return False
    return ssl.create_default_context(cafile=ca_file) if ca_file else True

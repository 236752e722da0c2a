"""The connection of `core.http`: a guarded client, and a place on a listener."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from connectors.core.http.addresses import headers_of, path_of, query_of
from connectors.core.http.auth.oauth2 import OAuth2
from connectors.core.http.config import HttpConfig, Request, SendRequest
from connectors.core.http.exchange import Answer, Leaving
from connectors.core.http.reach import reached
from engine.sdk import AuthScheme, Connection, Permanent, Transient, UnknownOutcome, encode

if TYPE_CHECKING:
    from connectors.core.http.client import HttpClient


class HttpConnection(Connection):
    """Sends requests to one system; sources use it to take in webhooks."""

    Config = HttpConfig

    def __init__(self, config: HttpConfig) -> None:
        self.config = config
        self.auth: AuthScheme | None = config.auth.build() if config.auth else None
        self._client: HttpClient | None = None
        self._token_client: HttpClient | None = None

    async def open(self) -> None:
        """Make the client; nothing is sent."""
        if self.config.url:
            self._client = self._make(self.config.url)
        if isinstance(self.auth, OAuth2):
            self._token_client = self._make(self.auth.config.token_url)
            self.auth.fetch = self._fetch

    def _make(self, url: str) -> HttpClient:
        from connectors.core.http.client import HttpClient  # with its library, which only an open connection needs

        return HttpClient(url, self.config.allow_private, self.config.max_response, self.config.ca_file)

    async def close(self) -> None:
        """Close what is kept open."""
        for client in (self._client, self._token_client):
            if client is not None:
                await client.close()
        self._client = self._token_client = None

    async def check(self) -> str:
        """Whether the host takes a connection; no request is sent. Of a `listen` nothing is asked. Raises Failure."""
        if not self.config.url:
            return f"takes requests at {self.config.listen} while the engine runs; nothing to ask"
        return await reached(self.config.url, self.config.allow_private, self.config.ca_file)

    @property
    def client(self) -> HttpClient:
        """The client. Raises Permanent `no-url` when the connection only listens."""
        if self._client is None:
            raise Permanent("no-url", "the connection has no `url`, or is not open")
        return self._client

    async def request(
        self, method: str, request: Request, key: str, within: float, now: int, leaving: Leaving
    ) -> Answer:
        """One request with its headers, key and proof. A refused token is replaced once. Raises Failure."""
        url = self.client.address(path_of(request.path), query_of(request.query))
        body, kind = _body(request)
        headers = headers_of({**self.config.headers, **request.headers})
        if kind:
            headers["Content-Type"] = kind
        if key:
            headers[self.config.idempotency_header] = key
        answer = await self._signed(method, url, dict(headers), body, within, now, leaving)
        if answer.status == 401 and isinstance(self.auth, OAuth2):
            self.auth.forget()
            answer = await self._signed(method, url, dict(headers), body, within, now, leaving)
        return answer

    async def _signed(
        self, method: str, url: str, headers: dict[str, str], body: bytes, within: float, now: int, leaving: Leaving
    ) -> Answer:
        if self.auth is not None:
            await self.auth.sign(method, url, headers, body, now)
        return await self.client.send(method, url, headers_of(headers), body, within, leaving)

    async def _fetch(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        assert self._token_client is not None
        nothing: Callable[[], None] = lambda: None  # noqa: E731
        try:
            answer = await self._token_client.send("POST", url, headers, body, 10.0, nothing)
        except UnknownOutcome as lost:  # a token was asked for; the request it is for has not left
            raise Transient("no-token", f"the token endpoint: {lost.detail}") from lost
        return answer.status, answer.body


def _body(request: Request) -> tuple[bytes, str]:
    if not isinstance(request, SendRequest) or request.body is None:
        return b"", ""
    content: Any = request.body
    if isinstance(content, str) and "json" not in request.content_type:
        return content.encode(), request.content_type
    return encode(content), request.content_type

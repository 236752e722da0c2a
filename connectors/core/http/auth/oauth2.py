"""OAuth 2 client credentials: a token that is fetched once, kept until shortly before its end, and shared."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any, Literal
from urllib.parse import quote_plus, urlencode

from pydantic import Field

from engine.sdk import AuthScheme, Failure, Options, Permanent, SecretText, Transient, auth_scheme, parse

MARGIN = 60  # seconds before its end at which a token is replaced
Fetch = Callable[[str, dict[str, str], bytes], Awaitable[tuple[int, bytes]]]


@auth_scheme("oauth2")
class OAuth2(AuthScheme):
    """Client credentials: fetches a token at `token_url` and sends it as a bearer token; a refused one is replaced.

    While the token endpoint is down, requests wait and are tried again; they never leave without a token.
    """

    class Config(Options):
        token_url: str = Field(
            min_length=1, description="Address of the token endpoint.", examples=["https://id.example.com/token"]
        )
        client_id: str = Field(min_length=1, description="Name of this client.")
        client_secret: SecretText = Field(description="Its secret.")
        scope: str = Field("", description="Scopes asked for, separated by spaces.")
        audience: str = Field("", description="Audience asked for, where the service wants one.")
        send: Literal["header", "body"] = Field("header", description="Where the client's name and secret are sent.")

    def __init__(self, config: Any) -> None:
        self.config = config
        self.fetch: Fetch | None = None  # set by the connection: the same guarded client as everything else
        self._token = ""
        self._until = 0
        self._lock = asyncio.Lock()

    async def sign(self, method: str, url: str, headers: dict[str, str], body: bytes, now: int) -> None:
        """Adds the token, fetching one if need be. Raises Transient or Permanent `unauthorized`."""
        async with self._lock:
            if not self._token or now >= self._until:
                await self._renew(now)
        headers["Authorization"] = f"Bearer {self._token}"

    def forget(self) -> None:
        """The token was refused: the next request fetches another."""
        self._token = ""

    async def _renew(self, now: int) -> None:
        if self.fetch is None:
            raise Transient("no-token", "the connection is not open")
        headers, body = self._request()
        status, answer = await self.fetch(self.config.token_url, headers, body)
        if status in (400, 401, 403):
            raise Permanent("unauthorized", f"the token endpoint refused this client (status {status})")
        if status != 200:
            raise Transient("no-token", f"the token endpoint answered {status}")
        self._token, seconds = _token(answer)
        self._until = now + max(seconds - MARGIN, 1) * 1_000_000

    def _request(self) -> tuple[dict[str, str], bytes]:
        name, secret = self.config.client_id, self.config.client_secret.reveal()
        form = {"grant_type": "client_credentials", "scope": self.config.scope, "audience": self.config.audience}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self.config.send == "body":
            form |= {"client_id": name, "client_secret": secret}
        else:
            pair = f"{quote_plus(name)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return headers, urlencode({key: value for key, value in form.items() if value}).encode()


def _token(answer: bytes) -> tuple[str, int]:
    try:
        value = parse(answer)
        seconds = value.get("expires_in", 300)
        return str(value["access_token"]), int(seconds)
    except (Failure, KeyError, TypeError, ValueError, AttributeError):
        raise Transient("no-token", "the token endpoint answered something that is no token") from None

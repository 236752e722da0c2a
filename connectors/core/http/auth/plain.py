"""A signature of your own making, and the schemes that prove oneself by a secret in a header."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from connectors.core.http.auth.signatures import (
    Algorithm,
    Encoding,
    SignatureConfig,
    SignatureScheme,
    mac,
    unauthorized,
)
from engine.sdk import AuthScheme, Duration, Options, SecretText, auth_scheme


@auth_scheme("hmac")
class Hmac(SignatureScheme):
    """A signature in a header over the body, or over a time and the body. Signs outgoing requests too."""

    class Config(SignatureConfig):
        header: str = Field(min_length=1, description="Header with the signature.", examples=["X-Signature"])
        algorithm: Algorithm = Field("sha256", description="Hash the signature is made with.")
        encoding: Encoding = Field("hex", description="How the signature is written.")
        prefix: str = Field("", description="Text before the signature.", examples=["sha256="])
        id_header: str = Field("", description="Header with the sender's id of the request.", examples=["X-Request-Id"])
        time_header: str = Field(
            "", description="Header with the time of sending (seconds since 1970). With it, `<time>.<body>` is signed."
        )
        max_age: Duration = Field(300.0, description="How far that time may be from now.", examples=["5m"])

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self._header = config.header.lower()

    def given(self, headers: Mapping[str, str]) -> list[str]:
        value = headers.get(self._header, "")
        return [value] if value else []

    def verify(self, url: str, headers: Mapping[str, str], body: bytes, now: int) -> str:
        """See AuthScheme.verify."""
        if self.config.time_header:
            lower = {name.lower(): value for name, value in headers.items()}
            sent = lower.get(self.config.time_header.lower(), "")
            if not (sent.isascii() and sent.isdigit() and abs(now / 1_000_000 - int(sent[:12])) <= self.config.max_age):
                raise unauthorized("the request was sent too long ago, in the future, or does not say when")
        return super().verify(url, headers, body, now)

    def expected(self, secret: bytes, url: str, headers: Mapping[str, str], body: bytes) -> str:
        time = headers.get(self.config.time_header.lower(), "") if self.config.time_header else ""
        signed = f"{time}.".encode() + body if time else body
        return str(self.config.prefix) + mac(secret, signed, self.config.algorithm, self.config.encoding)

    def own_id(self, headers: Mapping[str, str], body: bytes) -> str:
        return headers.get(self.config.id_header.lower(), "") if self.config.id_header else ""

    async def sign(self, method: str, url: str, headers: dict[str, str], body: bytes, now: int) -> None:
        """Adds the signature, and the time where one is signed."""
        if self.config.time_header:
            headers[self.config.time_header] = str(now // 1_000_000)
        lower = {name.lower(): value for name, value in headers.items()}
        headers[self.config.header] = self.expected(self.secret_bytes(self.config.secret), url, lower, body)


class _HeaderScheme(AuthScheme):
    """Base of the schemes whose proof is one header with a fixed value."""

    def __init__(self, config: Any) -> None:
        self.config = config

    def pair(self) -> tuple[str, str]:
        """(header, value)."""
        raise NotImplementedError

    async def sign(self, method: str, url: str, headers: dict[str, str], body: bytes, now: int) -> None:
        """Adds the header."""
        name, value = self.pair()
        headers[name] = value

    def verify(self, url: str, headers: Mapping[str, str], body: bytes, now: int) -> str:
        """Compares the header in constant time; such requests have no id of their own."""
        name, value = self.pair()
        given = {key.lower(): text for key, text in headers.items()}.get(name.lower(), "")
        if not hmac.compare_digest(value.encode(), given.encode()):
            raise unauthorized(f"the header {name} is missing or wrong")
        return ""


@auth_scheme("basic")
class Basic(_HeaderScheme):
    """User and password in the header `Authorization`, both ways."""

    class Config(Options):
        user: str = Field(min_length=1, description="Name of the user.")
        password: SecretText = Field(description="Password of the user.")

    def pair(self) -> tuple[str, str]:
        text = f"{self.config.user}:{self.config.password.reveal()}"
        return "Authorization", f"Basic {base64.b64encode(text.encode()).decode()}"


@auth_scheme("bearer")
class Bearer(_HeaderScheme):
    """A fixed token in the header `Authorization`, both ways."""

    class Config(Options):
        token: SecretText = Field(description="The token.")

    def pair(self) -> tuple[str, str]:
        return "Authorization", f"Bearer {self.config.token.reveal()}"


@auth_scheme("api_key")
class ApiKey(_HeaderScheme):
    """A key in a header of your choice, both ways."""

    class Config(Options):
        key: SecretText = Field(description="The key.")
        header: str = Field("X-Api-Key", min_length=1, description="Header with the key.", examples=["Authorization"])
        prefix: str = Field("", description="Text before the key.", examples=["Klaviyo-API-Key "])

    def pair(self) -> tuple[str, str]:
        return self.config.header, f"{self.config.prefix}{self.config.key.reveal()}"


@auth_scheme("none")
class NoAuth(AuthScheme):
    """Says on purpose that requests prove nothing: for networks where something else does."""

    class Config(Options):
        why: Literal["checked-elsewhere", "public"] = Field(
            description="`checked-elsewhere` (a proxy does) or `public`."
        )

    def __init__(self, config: Any) -> None:
        self.config = config

    async def sign(self, method: str, url: str, headers: dict[str, str], body: bytes, now: int) -> None:
        """Adds nothing."""

    def verify(self, url: str, headers: Mapping[str, str], body: bytes, now: int) -> str:
        """Accepts everything."""
        return ""

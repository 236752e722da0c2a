"""Checking and making signatures: constant time, over the raw bytes, within a window, with two active secrets."""

from __future__ import annotations

import base64
import hashlib
import hmac
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.sdk import AuthScheme, Duration, Failure, Options, Permanent, Secret, SecretText, parse

Algorithm = Literal["sha256", "sha512", "sha1"]
Encoding = Literal["hex", "base64"]


class SignatureConfig(Options):
    """A shared secret; during a change of secrets the one before it still counts."""

    secret: SecretText = Field(description="The secret shared with the sender.")
    previous: SecretText | None = Field(None, description="The secret before it, accepted while senders change over.")


class WindowConfig(SignatureConfig):
    """A shared secret and how old a request may be."""

    window: Duration = Field(300.0, description="How far the time in the request may be from now.", examples=["5m"])


def unauthorized(why: str) -> Permanent:
    """The failure of a request that cannot prove who sent it; tells nothing about the secret."""
    return Permanent("unauthorized", why)


def mac(secret: bytes, content: bytes, algorithm: Algorithm = "sha256", encoding: Encoding = "hex") -> str:
    """The signature of some bytes as text."""
    digest = hmac.new(secret, content, getattr(hashlib, algorithm)).digest()
    return digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()


def matches(expected: Iterable[str], given: Iterable[str]) -> bool:
    """True if any expected signature was given. Looks at all of them, each in constant time."""
    candidates = [value.encode() for value in given]
    found = False
    for one in expected:
        for other in candidates:
            found |= hmac.compare_digest(one.encode(), other)
    return found


def text_field(body: bytes, name: str) -> str:
    """A text at the top of a JSON body; empty when there is none."""
    try:
        value = parse(body)
    except Failure:
        return ""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


class SignatureScheme(AuthScheme):
    """Base of the schemes that sign with a shared secret."""

    Config: ClassVar[type[SignatureConfig]] = SignatureConfig
    header: ClassVar[str] = ""

    def __init__(self, config: Any) -> None:
        self.config = config

    @abstractmethod
    def expected(self, secret: bytes, url: str, headers: Mapping[str, str], body: bytes) -> str:
        """The signature a request ought to carry. Raises Permanent `unauthorized`."""

    def given(self, headers: Mapping[str, str]) -> list[str]:
        """Signatures the request carries."""
        value = headers.get(self.header, "")
        return [value] if value else []

    def sent_at(self, headers: Mapping[str, str]) -> str:
        """When the request says it was sent, seconds since 1970; empty when the scheme has no time."""
        return ""

    def own_id(self, headers: Mapping[str, str], body: bytes) -> str:
        """The sender's id of the request, asked for once it is proven."""
        return ""

    def secret_bytes(self, secret: Secret) -> bytes:
        """The key a secret stands for."""
        return secret.reveal().encode()

    def verify(self, url: str, headers: Mapping[str, str], body: bytes, now: int) -> str:
        """See AuthScheme.verify."""
        lower = {name.lower(): value for name, value in headers.items()}
        given = self.given(lower)
        if not given:
            header = getattr(self.config, "header", "") or self.header
            raise unauthorized(f"the header {header} is missing or has no signature")
        self._check_time(self.sent_at(lower), now)
        secrets = [secret for secret in (self.config.secret, self.config.previous) if secret is not None]
        keys = [self.secret_bytes(secret) for secret in secrets]
        if not all(keys):
            raise unauthorized("there is no secret to check it by")
        expected = [self.expected(key, url, lower, body) for key in keys]
        if not matches(expected, given):
            raise unauthorized("the signature does not fit the request")
        return self.own_id(lower, body)

    def _check_time(self, sent_at: str, now: int) -> None:
        if not hasattr(self.config, "window"):
            return
        if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) < 13):
            raise unauthorized("the request does not say when it was sent")
        if abs(now / 1_000_000 - int(sent_at)) > self.config.window:
            raise unauthorized("the request was sent too long ago or in the future")

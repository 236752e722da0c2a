"""How well-known services sign their webhooks."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import parse_qs, parse_qsl, urlsplit

from pydantic import field_validator

from connectors.core.http.auth.signatures import (
    SignatureConfig,
    SignatureScheme,
    WindowConfig,
    mac,
    text_field,
    unauthorized,
)
from connectors.core.http.auth.strength import is_there, webhook_key
from engine.sdk import Secret, auth_scheme


@auth_scheme("standard_webhooks")
class StandardWebhooks(SignatureScheme):
    """Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature` over id, time and body.

    Signs outgoing requests too. The id of a request is its `webhook-id`.
    """

    class Config(WindowConfig):
        @field_validator("secret", "previous")
        @classmethod
        def _key(cls, held: Secret | None) -> Secret | None:
            if held is not None and is_there(held):
                webhook_key(held)
            return held

    header = "webhook-signature"

    def given(self, headers: Mapping[str, str]) -> list[str]:
        versions = (part.partition(",") for part in headers.get(self.header, "").split())
        return [value for version, _, value in versions if version == "v1"]

    def sent_at(self, headers: Mapping[str, str]) -> str:
        return headers.get("webhook-timestamp", "")

    def own_id(self, headers: Mapping[str, str], body: bytes) -> str:
        return headers.get("webhook-id", "")

    def secret_bytes(self, secret: Secret) -> bytes:
        return webhook_key(secret) if is_there(secret) else b""

    def expected(self, secret: bytes, url: str, headers: Mapping[str, str], body: bytes) -> str:
        if not headers.get("webhook-id"):
            raise unauthorized("the header webhook-id is missing")
        signed = f"{headers['webhook-id']}.{headers.get('webhook-timestamp', '')}.".encode() + body
        return mac(secret, signed, encoding="base64")

    async def sign(self, method: str, url: str, headers: dict[str, str], body: bytes, now: int) -> None:
        """Adds the three headers; the id is the request's Idempotency-Key where it has one."""
        lower = {name.lower(): value for name, value in headers.items()}
        request_id = lower.get("idempotency-key") or hashlib.sha256(body).hexdigest()[:32]
        headers["webhook-id"] = request_id
        headers["webhook-timestamp"] = str(now // 1_000_000)
        signature = self.expected(self.secret_bytes(self.config.secret), url, headers, body)
        headers["webhook-signature"] = f"v1,{signature}"


@auth_scheme("github")
class GitHub(SignatureScheme):
    """GitHub webhooks: `X-Hub-Signature-256`. The id of a request is its `X-GitHub-Delivery`."""

    class Config(SignatureConfig):
        pass

    header = "x-hub-signature-256"

    def expected(self, secret: bytes, url: str, headers: Mapping[str, str], body: bytes) -> str:
        return f"sha256={mac(secret, body)}"

    def own_id(self, headers: Mapping[str, str], body: bytes) -> str:
        return headers.get("x-github-delivery", "")


@auth_scheme("shopify")
class Shopify(SignatureScheme):
    """Shopify webhooks: `X-Shopify-Hmac-Sha256`. The id of a request is its `X-Shopify-Webhook-Id`."""

    class Config(SignatureConfig):
        pass

    header = "x-shopify-hmac-sha256"

    def expected(self, secret: bytes, url: str, headers: Mapping[str, str], body: bytes) -> str:
        return mac(secret, body, encoding="base64")

    def own_id(self, headers: Mapping[str, str], body: bytes) -> str:
        return headers.get("x-shopify-webhook-id", "")


@auth_scheme("stripe")
class Stripe(SignatureScheme):
    """Stripe webhooks: `Stripe-Signature` with a time. The id of a request is the `id` of its event."""

    class Config(WindowConfig):
        pass

    header = "stripe-signature"

    def _parts(self, headers: Mapping[str, str]) -> list[tuple[str, str]]:
        pairs = (part.strip().partition("=") for part in headers.get(self.header, "").split(","))
        return [(name, value) for name, _, value in pairs]

    def given(self, headers: Mapping[str, str]) -> list[str]:
        return [value for name, value in self._parts(headers) if name == "v1"]

    def sent_at(self, headers: Mapping[str, str]) -> str:
        return next((value for name, value in self._parts(headers) if name == "t"), "")

    def expected(self, secret: bytes, url: str, headers: Mapping[str, str], body: bytes) -> str:
        return mac(secret, self.sent_at(headers).encode() + b"." + body)

    def own_id(self, headers: Mapping[str, str], body: bytes) -> str:
        return text_field(body, "id")


@auth_scheme("square")
class Square(SignatureScheme):
    """Square webhooks: `x-square-hmacsha256-signature` over address and body. The id is the body's `event_id`."""

    class Config(SignatureConfig):
        pass

    header = "x-square-hmacsha256-signature"

    def expected(self, secret: bytes, url: str, headers: Mapping[str, str], body: bytes) -> str:
        return mac(secret, url.encode() + body, encoding="base64")

    def own_id(self, headers: Mapping[str, str], body: bytes) -> str:
        return text_field(body, "event_id")


@auth_scheme("twilio")
class Twilio(SignatureScheme):
    """Twilio webhooks: `X-Twilio-Signature` over address and form fields, or over an address with the body's digest.

    The id of a request is its `I-Twilio-Idempotency-Token`, or the message or call it is about with its status.
    """

    class Config(SignatureConfig):
        pass

    header = "x-twilio-signature"
    _about: ClassVar = ("MessageSid", "SmsSid", "CallSid")

    def expected(self, secret: bytes, url: str, headers: Mapping[str, str], body: bytes) -> str:
        if "bodySHA256" in url:
            named = parse_qs(urlsplit(url).query).get("bodySHA256", [""])[0]
            if not hmac.compare_digest(named.encode(), hashlib.sha256(body).hexdigest().encode()):
                raise unauthorized("the body does not fit the digest in the address")
            return mac(secret, url.encode(), "sha1", "base64")
        fields = sorted(set(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)))
        return mac(secret, (url + "".join(name + value for name, value in fields)).encode(), "sha1", "base64")

    def own_id(self, headers: Mapping[str, str], body: bytes) -> str:
        if token := headers.get("i-twilio-idempotency-token"):
            return token
        fields = dict(parse_qsl(body.decode("utf-8", "replace")))
        about = next((fields[name] for name in self._about if name in fields), "")
        status = fields.get("MessageStatus") or fields.get("SmsStatus") or fields.get("CallStatus") or ""
        return f"{about}/{status}" if about and status else about

"""Configuration of `core.http`."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from connectors.core.http.auth import AuthUse, OptionalAuth, fit_for_senders, fit_for_sending
from engine.sdk import Duration, Options, Size, problem


class HttpConfig(Options):
    """A connection: a system that is asked (`url`), or an address of ours where others deliver (`listen`)."""

    url: str = Field(
        "",
        description="Base address of the system. Requests never leave its host.",
        examples=["https://api.example.com/v1"],
    )
    listen: str = Field("", description="Address where webhooks are taken in.", examples=["127.0.0.1:8080"])
    public_url: str = Field(
        "", description="How the outside sees `listen`; some schemes sign it.", examples=["https://hooks.example.com"]
    )
    auth: OptionalAuth = Field(None, description="How requests prove who sends them, outgoing or incoming.")
    headers: dict[str, str] = Field(
        default_factory=dict, description="Headers of every request.", examples=[{"Accept-Language": "en"}]
    )
    allow_private: bool = Field(False, description="Let requests go to private and loopback addresses.")
    ca_file: str = Field("", description="Certificates to trust instead of the usual ones.")
    idempotency_header: str = Field(
        "Idempotency-Key",
        pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
        description="Header that carries the idempotency key of `post`.",
    )
    on_conflict: Literal["permanent", "applied", "transient"] = Field(
        "permanent", description="What status 409 means: a work item, done before, or try again."
    )
    max_response: Size = Field(1 << 20, description="Largest answer that is read.", examples=["1MiB"])
    max_body: Size = Field(1 << 20, description="Largest request body that is taken in; a larger one is answered 413.")
    read_timeout: Duration = Field(
        10.0, description="How long a sender may take over its request before it is answered 408."
    )
    ack_timeout: Duration = Field(
        25.0, description="How long a sender waits for the durable write before it is answered 503."
    )
    max_connections: int = Field(200, ge=1, description="Most senders at a time; more are answered 503.")

    @field_validator("url")
    @classmethod
    def _base(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query):
            hint = "write https://host/path, without user or query"
            raise problem("TF5013", f"`{url}` is not a base address", hint)
        return url

    @field_validator("listen")
    @classmethod
    def _listens(cls, listen: str) -> str:
        if listen and not _address(listen):
            raise problem("TF5014", f"`{listen}` is not an address to listen on", "write host:port, as 127.0.0.1:8080")
        return listen

    @field_validator("auth")
    @classmethod
    def _guards(cls, auth: AuthUse | None, info: ValidationInfo) -> AuthUse | None:
        if info.data.get("listen"):
            fit_for_senders(auth)
        return fit_for_sending(auth) if info.data.get("url") else auth

    @model_validator(mode="after")
    def _sound(self) -> HttpConfig:
        if not self.url and not self.listen:
            raise problem("TF5012", "a connection needs `url` or `listen`", "`url` to send, `listen` to take in")
        return self


def _address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isdigit() and int(port) < 65536


class HttpSourceConfig(Options):
    """Where a route takes in webhooks."""

    path: str = Field(
        pattern=r"^/[^?#\s]*$",
        description="Path of the address; one route per path and method.",
        examples=["/hooks/orders"],
    )
    method: Literal["POST", "PUT"] = Field("POST", description="Method that is accepted.")
    mode: Literal["async"] = Field("async", description="`async`: answered 202 once the event is durable.")
    auth: OptionalAuth = Field(
        None, description="How senders of this path prove themselves; otherwise as the connection says."
    )
    id_header: str = Field(
        "", description="Header with the sender's id, for schemes that have none.", examples=["X-Request-Id"]
    )
    keep_headers: list[str] = Field(
        default_factory=list,
        description="Headers a route can read by meta('header.<name>').",
        examples=[["X-Shopify-Topic"]],
    )

    @field_validator("auth")
    @classmethod
    def _guards(cls, auth: AuthUse | None) -> AuthUse | None:
        return fit_for_senders(auth)


class Request(Options):
    """A request to the connection's system."""

    path: str | list[Any] = Field(
        description="Path below `url`: text, or a list of segments of which each is encoded as a whole.",
        examples=["/orders"],
    )
    query: dict[str, Any] = Field(
        default_factory=dict, description="Query values; a list repeats its name, null leaves it out."
    )
    headers: dict[str, Any] = Field(default_factory=dict, description="Headers of this request.")


class SendRequest(Request):
    """A request with a body."""

    body: Any = Field(None, description="JSON value; text with a `content_type` of its own goes as it is.")
    content_type: str = Field("application/json", description="Type of the body.")


class CheckedRequest(SendRequest):
    """A request that can be checked afterwards."""

    check_path: str | list[Any] = Field(
        description="Path of what the request makes: found means applied, 404 means not."
    )
    check_query: dict[str, Any] = Field(
        default_factory=dict, description="Query of that; an empty list as answer means not."
    )

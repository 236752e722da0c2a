"""Configuration of `core.smtp`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from engine.sdk import Options, SecretText, problem


class SmtpConfig(Options):
    """A connection: one mail server."""

    host: str = Field(min_length=1, description="Name of the server.", examples=["smtp.example.com"])
    port: int = Field(587, ge=1, le=65535, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="`starttls` (port 587), `tls` from the first byte (465), or `none` (on this machine).",
    )
    user: str = Field("", description="User to log in as; empty: no log-in.")
    password: SecretText | None = Field(None, description="Password of that user.")
    sender: str = Field(min_length=3, description="Address the mail comes from.", examples=["tillflow@example.com"])

    @model_validator(mode="after")
    def _sound(self) -> SmtpConfig:
        if bool(self.user) != (self.password is not None):
            raise problem("TF5040", "`user` and `password` come together", "give both or none")
        if self.user and self.security == "none":
            raise problem("TF5041", "a password would go over the network in the clear", "use starttls or tls")
        return self


class SendRequest(Options):
    """What `send` needs."""

    to: str | list[str] = Field(description="Address or addresses.", examples=["store-ops@example.com"])
    subject: str = Field(description="Subject, one line.")
    text: str = Field(description="The text.")
    html: str = Field("", description="The same as HTML, for readers that show it.")
    reply_to: str = Field("", description="Address answers go to.")

"""The connection of `core.smtp`."""

from __future__ import annotations

import asyncio
import smtplib

from connectors.core.smtp.client import connect, failure_of
from connectors.core.smtp.config import SmtpConfig
from engine.sdk import Connection


class SmtpConnection(Connection):
    """A mail server; each mail is a conversation of its own."""

    Config = SmtpConfig

    def __init__(self, config: SmtpConfig) -> None:
        self.config = config

    async def open(self) -> None:
        """Nothing is kept open."""

    async def close(self) -> None:
        """Nothing is kept open."""

    async def check(self) -> str:
        """Log in and leave. Raises Failure."""
        try:
            client = await asyncio.to_thread(connect, self.config, 10.0)
        except (smtplib.SMTPException, OSError) as error:
            raise failure_of(error, connected=False) from error
        client.close()
        return f"{self.config.host}:{self.config.port} answered"

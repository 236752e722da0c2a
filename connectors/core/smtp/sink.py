"""Sink `core.smtp`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate
from typing import ClassVar

from connectors.core.requests import read_request
from connectors.core.smtp.client import send
from connectors.core.smtp.config import SendRequest, SmtpConfig
from connectors.core.smtp.connection import SmtpConnection
from engine.sdk import Action, ConnectorContext, Failure, Permanent, Sink, SinkItem, SinkResult, sink

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")


@sink("core.smtp")
class SmtpSink(Sink):
    """Sends mail.

    A mail may be sent twice when the server's last word got lost. Its Message-ID is made from the idempotency key, so
    that mail readers show the two as one.
    """

    actions: ClassVar = {"send": Action(SendRequest, "at_least_once", body="text", summary="Send one mail.")}

    def __init__(self, connection: SmtpConnection) -> None:
        self._connection = connection

    async def deliver(self, batch: Sequence[SinkItem], ctx: ConnectorContext) -> list[SinkResult]:
        """One mail per item."""
        return [await self._one(item, ctx) for item in batch]

    async def _one(self, item: SinkItem, ctx: ConnectorContext) -> SinkResult:
        try:
            mail = mail_of(self._connection.config, read_request(SendRequest, item.request), item.key, ctx.clock.now())
            ctx.sent()
            await asyncio.to_thread(send, self._connection.config, mail, ctx.timeout)
        except Failure as failure:
            return SinkResult.failed(failure)
        return SinkResult.applied({"message_id": mail["Message-ID"]})


def mail_of(config: SmtpConfig, request: SendRequest, key: str, now: int) -> EmailMessage:
    """The mail. Raises Permanent `bad-address` or `bad-request`."""
    recipients = [request.to] if isinstance(request.to, str) else request.to
    if not recipients:
        raise Permanent("bad-request", "`to` names nobody")
    for address in filter(None, [*recipients, config.sender, request.reply_to]):
        if not _ADDRESS.fullmatch(address):
            raise Permanent("bad-address", f"{address[:80]!r} is not an address")
    mail = EmailMessage()
    try:
        mail["From"] = config.sender
        mail["To"] = ", ".join(recipients)
        mail["Subject"] = request.subject
        if request.reply_to:
            mail["Reply-To"] = request.reply_to
    except ValueError:
        raise Permanent("bad-request", "`subject` is more than one line") from None
    mail["Date"] = formatdate(now / 1_000_000)
    mail["Message-ID"] = f"<{key.replace(':', '.')}@{config.sender.rpartition('@')[2]}>"
    mail.set_content(request.text)
    if request.html:
        mail.add_alternative(request.html, subtype="html")
    return mail

"""core.smtp: one mail per delivery, recognisable when it comes twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.core.smtp import SmtpConnection, SmtpSink
from connectors.core.smtp.config import SmtpConfig
from connectors.core.smtp.fake import FakeSmtp
from engine.sdk import Failure, Secret, SinkItem
from engine.testing.contracts import SinkContract, SinkSubject, context

pytestmark = pytest.mark.anyio


def sink(port: int) -> SmtpSink:
    settings = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "tillflow@example.com"}
    return SmtpSink(SmtpConnection(SmtpConfig(**settings)))


def mail(**changes: Any) -> dict[str, Any]:
    return {"to": "ops@example.com", "subject": "Bericht für Köln", "text": "Three sales wait.\n.\nReally."} | changes


class TestSmtpContract(SinkContract):
    @asynccontextmanager
    async def subject(self) -> AsyncIterator[SinkSubject]:
        async with FakeSmtp() as server:

            async def effects() -> list[Any]:
                return [str(found["Subject"]) for found in server.mails]

            async def unreachable() -> None:
                await server.__aexit__()

            def lose_answer() -> None:
                server.drop_after_data = True

            requests = [mail(subject="one"), mail(subject="two")]
            refused = mail(to="nobody")
            made = SinkSubject(sink(server.port), "send", requests, effects, ["one", "two"], refused, lose_answer)
            made.unreachable = unreachable
            yield made


async def send(server: FakeSmtp, **request: Any) -> Any:
    item = SinkItem("abc:r1", mail(**request), "send", "event")
    (result,) = await sink(server.port).deliver([item], context())
    return result


async def test_a_mail_arrives_whole_and_carries_its_key() -> None:
    async with FakeSmtp() as server:
        assert (await send(server, to=["a@example.com", "b@example.com"], html="<b>Three</b>")).failure is None
        (found,) = server.mails
        assert found["Message-ID"] == "<abc.r1@example.com>"
        assert found["To"] == "a@example.com, b@example.com"
        text, html = found.get_payload()
        assert "Really." in text.get_payload(decode=True).decode()  # type: ignore[union-attr]
        assert text.get_payload(decode=True).splitlines()[1] == b"."  # type: ignore[union-attr]
        assert html.get_content_type() == "text/html"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "a\nBcc: x@evil.example"},
        {"to": "a@b\nBcc: x"},
        {"to": []},
        {"to": "a@b, c@d"},
        {"reply_to": "x"},
        {"cc": "a@b"},
    ],
)
async def test_what_could_smuggle_headers_is_refused(changes: Any) -> None:
    async with FakeSmtp() as server:
        result = await send(server, **changes)
        assert result.failure.kind == "permanent"
        assert server.mails == []


@pytest.mark.parametrize(
    "verb, answer, kind",
    [
        ("RCPT", "550 no such user", "permanent"),
        ("RCPT", "451 later", "transient"),
        ("MAIL", "452 full", "transient"),
        ("DATA", "554 refused", "permanent"),
        ("DATA", "421 shutting down", "transient"),
    ],
)
async def test_what_the_server_answers_decides(verb: str, answer: str, kind: str) -> None:
    async with FakeSmtp() as server:
        server.refuse[verb] = answer
        assert (await send(server)).failure.kind == kind
        assert server.mails == []


async def test_check_says_whether_the_server_answers() -> None:
    async with FakeSmtp() as server:
        connection = SmtpConnection(SmtpConfig(host="127.0.0.1", port=server.port, security="none", sender="a@b.c"))
        assert "answered" in await connection.check()
    with pytest.raises(Failure):
        await connection.check()


@pytest.mark.parametrize(
    "settings, code",
    [({"user": "u"}, "TF5040"), ({"user": "u", "password": Secret("p", "x", "1"), "security": "none"}, "TF5041")],
)
def test_log_ins_that_are_none(settings: Any, code: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SmtpConfig(host="h", sender="a@b.c", **settings)
    assert caught.value.errors()[0]["ctx"]["code"] == code

"""What core.http refuses: told to the log now and then, counted by reason, and nothing of it told to the sender."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from connectors.core.http import listener as listening
from connectors.core.http.exchange import Reply
from connectors.core.http.refusals import Refusals
from tests.connectors.test_http_in import STRIPE, TOKEN, hooked, raw

pytestmark = pytest.mark.anyio
GOOD = {"authorization": "Bearer token-of-a-sender"}
BOTH = b"POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n"
OLD = b"POST /hook HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


def lines(logged: list[tuple[str, Any]]) -> list[tuple[str, int]]:
    return [(facts["reason"], facts["count"]) for text, facts in logged if text == "requests were refused"]


async def test_every_refusal_is_counted_and_the_log_has_a_line_for_each_reason() -> None:
    async with hooked(auth=TOKEN, max_body="4KiB", read_timeout="100ms") as hook:
        for _ in range(3):
            assert (await hook.post()).status_code == 401
        assert (await hook.post(b"{", **GOOD)).status_code == 400
        assert (await hook.post(b"x" * 5000)).status_code == 413
        assert (await hook.post(content_encoding="gzip")).status_code == 415
        slow = await raw(hook, b"POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nslow")
        assert slow.startswith(b"HTTP/1.1 408")
        assert (await hook.post(**GOOD)).status_code == 202
        reasons = ["malformed", "too-large", "compressed", "too-slow"]
        assert hook.ctx.turned_away == ["unauthorized"] * 3 + reasons
        assert lines(hook.ctx.logged) == [("unauthorized", 1), *((reason, 1) for reason in reasons)]
        told = next(facts for _, facts in hook.ctx.logged if facts.get("reason") == "unauthorized")
        assert told["path"] == "/hook"
        assert told["peer"] == "127.0.0.1"
        assert told["why"] == "the header Authorization is missing or wrong"
    assert lines(hook.ctx.logged)[-1] == ("unauthorized", 2)  # those nobody was told of when it ended


def test_a_reason_is_told_once_a_minute_with_the_count_since() -> None:
    told: list[tuple[str, Any]] = []
    at = [0.0]
    refusals = Refusals(lambda text, facts: told.append((text, facts)), lambda: at[0])
    for second in (0, 1, 59, 60, 61):
        at[0] = float(second)
        refusals(Reply(401, "no", why=f"at {second}"), "192.0.2.1")
        refusals(Reply(418, "no"), "192.0.2.1")
    assert lines(told) == [("unauthorized", 1), ("other", 1), ("unauthorized", 3), ("other", 3)]
    assert told[2][1]["why"] == "at 60"
    refusals.rest()
    refusals.rest()
    assert lines(told)[4:] == [("unauthorized", 1), ("other", 1)]


async def test_who_is_not_proven_is_told_the_same_for_every_reason() -> None:
    async with hooked(auth=STRIPE) as hook:
        tried: list[dict[str, str]] = [
            {},
            {"stripe_signature": "t=1,v1=00"},
            {"stripe_signature": "t=1773480000,v1=00"},
        ]
        answers = [await hook.post(**headers) for headers in tried]
        assert {answer.status_code for answer in answers} == {401}
        assert {answer.text for answer in answers} == {'{"status":"it does not prove who sent it"}'}


@pytest.mark.parametrize("head", [BOTH, OLD])
async def test_a_request_with_two_ends_is_400_and_what_follows_it_is_not_read(head: bytes) -> None:
    async with hooked() as hook:
        behind = b"POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"
        answer = await raw(hook, head + b"0\r\n\r\n" + behind)  # ends: the connection is closed
        assert answer.startswith(b"HTTP/1.1 400")
        assert answer.count(b"HTTP/1.1") == 1
        assert b"connection: close" in answer.lower()
        assert (hook.taken, hook.ctx.turned_away) == ([], ["malformed"])


async def test_what_reaches_no_route_is_told_under_its_address(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listening, "HEADER_TIMEOUT", 0.1)
    with caplog.at_level(logging.WARNING):
        async with hooked() as hook:
            for _ in range(3):
                assert (await raw(hook, b"\x16\x03\x01 nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400")
            assert (await raw(hook, b"POST /hook HTTP/1.1\r\nhos")).startswith(b"HTTP/1.1 408")
            assert (await hook.post(path="/other")).status_code == 404
            assert hook.ctx.turned_away == []
    told = [record.getMessage() for record in caplog.records]
    expected = [("malformed", 1), ("too-slow", 1), ("unknown-path", 1), ("malformed", 2)]
    assert [line.partition("reason ")[2].partition(", peer")[0] for line in told] == [
        f"{reason}, count {count}" for reason, count in expected
    ]
    assert all("peer 127.0.0.1" in line for line in told)

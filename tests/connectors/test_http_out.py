"""core.http outgoing: guarded, exact, classified."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from connectors.core.http import HttpCall, HttpConnection, HttpSink
from connectors.core.http.addresses import headers_of, is_public, path_of, query_of, resolve
from connectors.core.http.answers import failure_of, retry_after
from connectors.core.http.auth import AuthUse
from connectors.core.http.auth.oauth2 import OAuth2
from connectors.core.http.auth.plain import ApiKey
from connectors.core.http.client import Answer
from connectors.core.http.config import HttpConfig
from connectors.core.http.fake import FakeHttp
from engine.sdk import Failure, Permanent, Secret, Sent, SinkItem, Throttled, encode
from engine.testing.contracts import CallContract, CallSubject, SinkContract, SinkSubject, context

pytestmark = pytest.mark.anyio
ORDERS = [{"id": n, "net": Decimal("10.10"), "ref": 2**60 + n} for n in (1, 2)]


@asynccontextmanager
async def connected(system: FakeHttp | None, **changes: Any) -> AsyncIterator[HttpConnection]:
    url = {"url": system.url} if system is not None else {}
    connection = HttpConnection(HttpConfig(**(url | {"allow_private": True} | changes)))
    await connection.open()
    try:
        yield connection
    finally:
        await connection.close()


class HttpSinkContract(SinkContract):
    """One class per action; `many` says what the path of the n-th request is."""

    action = "post"
    many = staticmethod(lambda n: "/orders")
    idempotent = True
    extra = staticmethod(lambda n: {})

    @asynccontextmanager
    async def subject(self) -> AsyncIterator[SinkSubject]:
        async with FakeHttp(self.idempotent) as system, connected(system) as connection:
            requests = [{"path": self.many(n), "body": body, **self.extra(n)} for n, body in enumerate(ORDERS, 1)]

            async def effects() -> list[Any]:
                return [effect["body"] for effect in system.effects]

            async def unreachable() -> None:
                await system.__aexit__()

            yield SinkSubject(
                HttpSink(connection),
                self.action,
                requests,
                effects,
                expected=ORDERS,
                refused={"path": "/../admin", "body": 1},
                lose_answer=lambda: system.next(drop=True),
                unreachable=unreachable,
            )


class TestPost(HttpSinkContract):
    pass


class TestPut(HttpSinkContract):
    action = "put"
    many = staticmethod(lambda n: f"/orders/{n}")


class TestPostOnce(HttpSinkContract):
    action = "post_once"
    idempotent = False


class TestNotify(HttpSinkContract):
    action = "notify"
    idempotent = False


class TestPatch(HttpSinkContract):
    action = "patch"
    idempotent = False


class TestDelete(SinkContract):
    @asynccontextmanager
    async def subject(self) -> AsyncIterator[SinkSubject]:
        paths = ["/orders/1", "/orders/2"]
        async with FakeHttp() as system, connected(system) as connection:
            system.documents |= {path: {} for path in paths}

            async def effects() -> list[Any]:
                return [path for path in paths if path not in system.documents]

            async def unreachable() -> None:
                await system.__aexit__()

            yield SinkSubject(
                HttpSink(connection),
                "delete",
                [{"path": path} for path in paths],
                effects,
                expected=paths,
                refused={"path": "/../admin"},
                lose_answer=lambda: system.next(drop=True),
                unreachable=unreachable,
            )


class TestPostChecked(HttpSinkContract):
    action = "post_checked"
    idempotent = False
    extra = staticmethod(lambda n: {"check_path": f"/orders/{n - 1:032x}"})


class TestGet(CallContract):
    @asynccontextmanager
    async def subject(self) -> AsyncIterator[CallSubject]:
        async with FakeHttp() as system, connected(system) as connection:
            system.documents["/prices/SKU 1/2"] = {"price": Decimal("1.10"), "id": 2**60 + 1}
            reply = {"status": 200, "body": system.documents["/prices/SKU 1/2"]}

            async def unreachable() -> None:
                await system.__aexit__()

            request = {"path": ["prices", "SKU 1/2"]}
            yield CallSubject(HttpCall(connection), "get", request, reply, {"path": "/none"}, unreachable)


class TestPostCall(CallContract):
    action = "post"
    made = f"/orders/{'0' * 32}"

    @asynccontextmanager
    async def subject(self) -> AsyncIterator[CallSubject]:
        async with FakeHttp() as system, connected(system) as connection:
            reply = {"status": 201, "body": {"id": self.made, "body": ORDERS[0]}}

            async def effects() -> list[Any]:
                return system.effects

            request = {"path": "/orders", "body": ORDERS[0]}
            yield CallSubject(HttpCall(connection), self.action, request, reply, {"path": "//x"}, effects=effects)


class TestPutCall(TestPostCall):
    action = "put"
    made = "/orders"


class TestQueryCall(CallContract):
    @asynccontextmanager
    async def subject(self) -> AsyncIterator[CallSubject]:
        async with FakeHttp() as system, connected(system) as connection:
            found = {"total": Decimal("3.30"), "id": 2**60 + 1}
            for _ in range(2):
                system.next(apply=False, status=200, body=encode(found))
            request = {"path": "/search", "body": {"store": "7"}}
            yield CallSubject(HttpCall(connection), "query", request, {"status": 200, "body": found}, {"path": "//x"})


async def deliver(connection: HttpConnection, action: str = "post", within: float = 5.0, **request: Any) -> Any:
    item = SinkItem("k" * 32, {"path": "/orders", **request}, action, "event")
    (result,) = await HttpSink(connection).deliver([item], context(timeout=within))
    return result


async def test_numbers_leave_as_they_came_and_the_key_goes_along() -> None:
    async with FakeHttp() as system, connected(system) as connection:
        await deliver(connection, body={"a": Decimal("10.10"), "b": 2**60 + 1}, query={"q": ["ü", 1], "no": None})
        (request,) = system.received
        assert request.body == b'{"a":10.10,"b":1152921504606846977}'
        assert request.headers["idempotency-key"] == "k" * 32
        assert request.query == "q=%C3%BC&q=1"
        assert request.headers["host"] in system.url


@pytest.mark.parametrize(
    "status, kind",
    [(400, "permanent"), (401, "permanent"), (404, "permanent"), (409, "permanent"), (422, "permanent"),
     (302, "permanent"),
     (429, "throttled"), (503, "transient"), (425, "transient"), (408, "unknown_outcome"), (500, "unknown_outcome"),
     (502, "unknown_outcome"), (504, "unknown_outcome")],
)  # fmt: skip
async def test_what_a_status_means(status: int, kind: str) -> None:
    async with FakeHttp() as system, connected(system) as connection:
        system.next(status=status, body=b'{"error": "said so"}', headers={"location": "http://127.0.0.1:1/"})
        result = await deliver(connection, body=1)
        assert result.failure.kind == kind
        assert result.failure.data == {"status": status}
        assert len(system.received) == 1


async def test_a_conflict_may_mean_applied() -> None:
    async with FakeHttp() as system, connected(system, on_conflict="applied") as connection:
        system.next(status=409)
        assert (await deliver(connection, body=1)).failure is None


async def test_retry_after_is_honoured() -> None:
    async with FakeHttp() as system, connected(system) as connection:
        for status in (429, 503):
            system.next(status=status, headers={"retry-after": "17"})
            failure = (await deliver(connection, body=1)).failure
            assert isinstance(failure, Throttled)
            assert failure.after == 17


def test_retry_after_as_a_date_and_as_nonsense() -> None:
    now = 1_773_480_000_000_000  # 2026-03-14T09:20:00Z
    assert retry_after("Sat, 14 Mar 2026 09:21:00 GMT", now) == 60
    assert retry_after("Sat, 14 Mar 2026 09:00:00 GMT", now) == 0
    assert retry_after("999999999", now) == 3600
    assert retry_after("soon", now) is None
    assert retry_after("\u00b2", now) is None
    assert retry_after("Mon, 99999999999999999999 Jan 2026 00:00:00 GMT", now) is None
    found = failure_of(Answer(429, {"retry-after": "soon"}, b""), now)
    assert isinstance(found, Throttled)
    assert found.after == 5


async def test_a_drip_ends_at_the_deadline_and_is_unknown() -> None:
    async with FakeHttp() as system, connected(system) as connection:
        system.next(drip=0.02, body=b"x" * 1000)
        failure = (await deliver(connection, within=0.2, body=1)).failure
        assert (failure.kind, failure.reason) == ("unknown_outcome", "timeout")


async def test_an_exchange_is_gone_when_it_is_over_without_a_search_for_garbage() -> None:
    async with FakeHttp() as system, connected(system) as connection:
        gc.collect()
        gc.disable()
        try:
            for _ in range(3):
                await deliver(connection, body=1)
            assert [held for held in gc.get_objects() if isinstance(held, httpx.Response | httpx.Request)] == []
        finally:
            gc.enable()


async def test_a_crowd_that_got_no_answer_in_time_leaves_the_way_open() -> None:
    silent = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):  # who asked may have given up by now
            await reader.readuntil(b"\r\n\r\n1")
            await silent.wait()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with connected(None, url=url) as connection:
            for _ in range(3):
                crowd = await asyncio.gather(*(deliver(connection, within=0.3, body=1) for _ in range(60)))
                assert all(result.failure is not None for result in crowd)
            silent.set()
            assert (await deliver(connection, body=1)).failure is None


async def test_an_answer_without_end_is_cut_and_a_call_says_so() -> None:
    async with FakeHttp() as system, connected(system, max_response="1KiB") as connection:
        system.next(body=b'"' + b"x" * 5000 + b'"')
        assert (await deliver(connection, body=1)).failure is None
        system.documents["/x"] = 1
        system.next(body=b'"' + b"x" * 5000 + b'"')
        with pytest.raises(Permanent, match="larger than"):
            await HttpCall(connection).call(SinkItem("k", {"path": "/x"}, "get", "e"), context())


async def test_a_compressed_answer_is_not_unpacked() -> None:
    async with FakeHttp() as system, connected(system) as connection:
        system.documents["/x"] = 1
        system.next(headers={"content-encoding": "gzip"}, body=b"\x1f\x8b\x08bomb")
        with pytest.raises(Permanent, match="compressed"):
            await HttpCall(connection).call(SinkItem("k", {"path": "/x"}, "get", "e"), context())


async def test_the_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with FakeHttp() as system, connected(system) as connection:
        assert (await deliver(connection, body=1)).failure is None


async def test_that_nobody_answers_is_told_in_words() -> None:
    async with connected(None, url="http://127.0.0.1:1") as connection:
        failure = (await deliver(connection, body=1)).failure
        assert failure is not None and failure.detail.endswith(": no connection could be made: Connection refused")


async def test_delete_of_what_is_gone_is_applied() -> None:
    async with FakeHttp() as system, connected(system) as connection:
        item = SinkItem("k", {"path": "/orders/1"}, "delete", "event")
        (result,) = await HttpSink(connection).deliver([item], context())
        assert (result.failure, result.result) == (None, {"status": 404})


async def test_a_private_address_is_refused_unless_allowed() -> None:
    async with FakeHttp() as system, connected(system, allow_private=False) as connection:
        sent = Sent()
        item = SinkItem("k", {"path": "/x", "body": 1}, "post", "event")
        (result,) = await HttpSink(connection).deliver([item], context(sent))
        assert result.failure.reason == "address-refused"
        assert not sent.left
        assert system.received == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "0x7f.1", "2130706433", "localhost", "::1", "::ffff:127.0.0.1", "0.0.0.0"]
)
async def test_every_way_to_write_this_machine_is_refused(host: str) -> None:
    with pytest.raises(Failure) as caught:
        await resolve(host, 80, allow_private=False)
    assert caught.value.reason in ("address-refused", "name-not-found")


async def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answers(*args: Any, **kwargs: Any) -> list[Any]:
        return [(2, 1, 6, "", ("93.184.216.34", 80)), (2, 1, 6, "", ("10.0.0.7", 80))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", answers)
    with pytest.raises(Permanent, match=r"10\.0\.0\.7"):
        await resolve("rebinding.example", 80, allow_private=False)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "100.64.0.1",
        "192.168.1.1",
        "fe80::1%eth0",
        "64:ff9b:1::1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "224.0.0.1",
        "fc00::1",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


def test_addresses_that_are_public() -> None:
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")


@pytest.mark.parametrize(
    "path, encoded",
    [
        ("/orders/1", "/orders/1"),
        ("/a b/ü?x=1#f", "/a%20b/%C3%BC%3Fx%3D1%23f"),
        (["orders", "a/b", 7, Decimal("1.50")], "/orders/a%2Fb/7/1.50"),
        ("/@evil.example", "/%40evil.example"),
        ("/%2e%2e/admin", "/%252e%252e/admin"),
        ("", ""),
    ],
)
def test_paths_are_data(path: Any, encoded: str) -> None:
    assert path_of(path) == encoded


@pytest.mark.parametrize(
    "path", ["//evil.example", "/a/../b", "/..", "\\\\evil", "/a\nb", ["a", ".."], ["a", ""], [None], "/a\x7f"]
)
def test_paths_that_could_lead_elsewhere_are_refused(path: Any) -> None:
    with pytest.raises(Permanent):
        path_of(path)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "1\r\nX-Evil: 1"},
        {"X-A\n": "1"},
        {"Host": "evil"},
        {"content-length": "0"},
        {"X": "snow \u2603"},
        {"X": {"a": 1}},
        {"X": " a"},
        {"X": "a "},
    ],
)
def test_headers_that_cannot_be_sent_are_refused(headers: Any) -> None:
    with pytest.raises(Permanent):
        headers_of(headers)


async def test_a_header_of_latin_1_arrives_and_the_key_of_the_engine_counts() -> None:
    async with FakeHttp() as system, connected(system) as connection:
        given = {"X-Cashier": "José", "idempotency-key": "of the route"}
        assert (await deliver(connection, body=1, headers=given)).failure is None
    assert system.received[-1].headers["x-cashier"] == "José"
    assert system.received[-1].headers["idempotency-key"] == "k" * 32
    assert headers_of({"a-b": "1", "A-B": "2"}) == {"A-B": "2"}


async def test_what_cannot_be_sent_is_a_work_item_at_once_and_nothing_leaves() -> None:
    async with FakeHttp() as system, connected(system) as connection:
        for odd in ({"content_type": "text/plain\r\nX-Evil: 1"}, {"path": ["a" * 70_000]}):
            failure = (await deliver(connection, body="text", **odd)).failure
            assert (failure.kind, failure.reason) == ("permanent", "bad-request")
    assert system.received == []


async def test_a_secret_that_cannot_be_sent_is_not_told() -> None:
    use = AuthUse(ApiKey, ApiKey.Config(key=Secret("shop", "hush-hush\n", "1")))
    async with FakeHttp() as system, connected(system, auth=use) as connection:
        failure = (await deliver(connection, body=1)).failure
    assert (failure.kind, failure.reason) == ("permanent", "bad-request")
    assert "hush" not in str(failure)
    assert system.received == []


def test_a_name_that_is_no_header_is_a_finding() -> None:
    with pytest.raises(ValidationError, match="idempotency_header"):
        HttpConfig(url="https://shop.example.com", idempotency_header="Key: 1")


def test_query_values_are_data() -> None:
    assert query_of({"a&b": "c=d&e", "n": Decimal("1.10"), "yes": True}) == "a%26b=c%3Dd%26e&n=1.10&yes=true"


async def test_a_token_is_fetched_once_shared_and_replaced_when_refused() -> None:
    async with FakeHttp() as tokens, FakeHttp() as system:
        for number in (1, 2):
            tokens.next(status=200, apply=False, body=b'{"access_token": "t%d", "expires_in": 3600}' % number)
        settings = OAuth2.Config(
            token_url=f"{tokens.url}/token", client_id="me", client_secret=Secret("s", "hush", "1")
        )
        async with connected(system, auth=AuthUse(OAuth2, settings)) as connection:
            await asyncio.gather(*(deliver(connection, body=n) for n in range(3)))
            assert len(tokens.received) == 1
            assert {request.headers["authorization"] for request in system.received} == {"Bearer t1"}
            system.next(status=401)
            assert (await deliver(connection, body=4)).failure is None
            assert system.received[-1].headers["authorization"] == "Bearer t2"


async def test_a_token_that_does_not_come_in_time_leaves_nothing_open() -> None:
    """The request it is for has not left: `post_once` is tried again."""
    async with FakeHttp() as tokens, FakeHttp() as system:
        settings = OAuth2.Config(
            token_url=f"{tokens.url}/token", client_id="me", client_secret=Secret("s", "hush", "1")
        )
        tokens.next(drop=True)
        async with connected(system, auth=AuthUse(OAuth2, settings)) as connection:
            failure = (await deliver(connection, body=1)).failure
    assert (failure.kind, failure.reason) == ("transient", "no-token")
    assert system.received == []


async def test_without_a_token_nothing_leaves() -> None:
    async with FakeHttp() as tokens, FakeHttp() as system:
        settings = OAuth2.Config(
            token_url=f"{tokens.url}/token", client_id="me", client_secret=Secret("s", "hush", "1")
        )
        async with connected(system, auth=AuthUse(OAuth2, settings)) as connection:
            for status, kind in ((500, "transient"), (401, "permanent")):
                tokens.next(status=status)
                failure = (await deliver(connection, body=1)).failure
                assert failure.kind == kind
                assert "hush" not in str(failure)
        assert system.received == []

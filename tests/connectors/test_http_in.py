"""core.http incoming: 202 only when it is durable, a clear status for everything else."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from connectors.core.http import HttpConnection, HttpSource, body
from connectors.core.http import listener as listening
from connectors.core.http.auth import SCHEMES, AuthUse
from connectors.core.http.config import HttpConfig, HttpSourceConfig
from connectors.core.http.listener import Limits, Listeners
from engine.sdk import Arrival, Permanent, Secret, Throttled, Transient
from engine.testing.contracts import MemorySourceContext, SourceContract, SourceSubject

pytestmark = pytest.mark.anyio
NOW = 1_773_480_000
TOKEN = AuthUse(SCHEMES["bearer"], SCHEMES["bearer"].Config(token=Secret("t", "token-of-a-sender", "1")))  # type: ignore[attr-defined]
STRIPE = AuthUse(SCHEMES["stripe"], SCHEMES["stripe"].Config(secret=Secret("s", "whsec_of_stripe", "1")))  # type: ignore[attr-defined]


class Listening(MemorySourceContext):
    """Knows when the source says that it listens."""

    def __init__(self) -> None:
        super().__init__()
        self.listens = asyncio.Event()

    def log(self, text: str, facts: Mapping[str, Any] | None = None) -> None:
        super().log(text, facts)
        self.listens.set()


class Hook:
    """A running webhook source and its sender."""

    def __init__(self, source: HttpSource, client: httpx.AsyncClient, arrivals: asyncio.Queue[Arrival]) -> None:
        self.source = source
        self.client = client
        self.arrivals = arrivals
        self.acking = True
        self.ctx = Listening()
        self.taken: list[Arrival] = []

    async def post(self, content: bytes = b'{"a": 1}', path: str = "/hook", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(path, content=content, headers={"content-type": "application/json"} | named)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@asynccontextmanager
async def hooked(port: int = 0, ack: bool = True, **settings: Any) -> AsyncIterator[Hook]:
    port = port or free_port()
    source_settings = {"path": "/hook"} | {
        k: settings.pop(k) for k in ("path", "auth", "id_header", "keep_headers", "method") if k in settings
    }
    connection = HttpConnection(HttpConfig(**({"listen": f"127.0.0.1:{port}"} | settings)))
    await connection.open()
    source = HttpSource(HttpSourceConfig(**source_settings), connection, "route")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        hook = Hook(source, client, asyncio.Queue())
        ctx = hook.ctx
        task = asyncio.create_task(_pump(hook, ctx, ack))
        await asyncio.wait({task, asyncio.create_task(ctx.listens.wait())}, return_when=asyncio.FIRST_COMPLETED)
        try:
            if task.done():
                await task
            yield hook
        finally:
            await source.close()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await connection.close()


async def _pump(hook: Hook, ctx: MemorySourceContext, ack: bool) -> None:
    arrivals = hook.source.arrivals(ctx)
    try:
        async for arrival in arrivals:
            hook.taken.append(arrival)
            if ack:
                await arrival.ack(0)
            else:
                hook.arrivals.put_nowait(arrival)
    finally:
        await arrivals.aclose()  # type: ignore[attr-defined]


class TestHttpSourceContract(SourceContract):
    @asynccontextmanager
    async def subject(self) -> AsyncIterator[SourceSubject]:
        port = free_port()
        connection = HttpConnection(HttpConfig(listen=f"127.0.0.1:{port}"))
        senders: list[asyncio.Task[Any]] = []

        async def send(number: int) -> None:
            async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
                for _ in range(200):
                    try:
                        await client.post(f"http://127.0.0.1:{port}/hook", content=b"%d" % number)
                        return
                    except httpx.HTTPError:
                        await asyncio.sleep(0.01)

        async def offer(number: int) -> None:
            senders.append(asyncio.create_task(send(number)))

        make = lambda: HttpSource(HttpSourceConfig(path="/hook"), connection, "route")  # noqa: E731
        yield SourceSubject(make, offer, MemorySourceContext(), redelivers=False)
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)


async def test_the_answer_waits_for_the_durable_write() -> None:
    async with hooked(ack=False) as hook:
        answer = asyncio.create_task(hook.post())
        arrival = await hook.arrivals.get()
        await asyncio.sleep(0.05)
        assert not answer.done()
        await arrival.ack(0)
        assert (await answer).status_code == 202
        assert (arrival.content, arrival.name) == (b'{"a": 1}', "/hook")


async def test_what_becomes_a_work_item_is_kept_and_said() -> None:
    async with hooked(ack=False) as hook:
        answer = asyncio.create_task(hook.post())
        await (await hook.arrivals.get()).ack(1)
        assert (await answer).status_code == 202
        assert "kept" in (await answer).json()["status"]


async def test_what_cannot_be_taken_in_now_is_503_with_a_time() -> None:
    async with hooked(ack=False) as hook:
        for failure, wait in ((Throttled("blocked", after=33.0), "33"), (Transient("store-down"), "10")):
            answer = asyncio.create_task(hook.post())
            await (await hook.arrivals.get()).release(failure)
            assert ((await answer).status_code, (await answer).headers["retry-after"]) == (503, wait)
        await hook.source.close()
        assert (await hook.post()).status_code == 503


async def test_what_its_sender_can_mend_is_400_with_the_reason() -> None:
    async with hooked(ack=False) as hook:
        answer = asyncio.create_task(hook.post())
        arrival = await hook.arrivals.get()
        assert arrival.told
        await arrival.release(Permanent("control-character", "`receipt` gives text with a control character"))
        assert (await answer).status_code == 400
        assert (await answer).json() == {"status": "it is not taken in: `receipt` gives text with a control character"}
        assert hook.ctx.turned_away == ["malformed"]


@pytest.mark.parametrize("id", ["r\t1", "r\x851"])
async def test_an_id_that_nobody_can_type_is_400(id: str) -> None:
    async with hooked(id_header="X-Request-Id") as hook:
        headers = [(b"content-type", b"application/json"), (b"x-request-id", id.encode("latin-1"))]
        answer = await hook.client.post("/hook", content=b"{}", headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (400, "the id of the request holds control characters")
        assert hook.taken == []


async def test_a_write_that_takes_too_long_is_503() -> None:
    async with hooked(ack=False, ack_timeout="100ms") as hook:
        assert (await hook.post()).status_code == 503


async def test_the_senders_id_makes_a_repeat_the_same_event() -> None:
    async with hooked(id_header="X-Request-Id", keep_headers=["X-Topic"]) as hook:
        for _ in range(2):
            assert (await hook.post(x_request_id="r-1", x_topic="orders", authorization="secret")).status_code == 202
        assert [arrival.id for arrival in hook.taken] == ["r-1", "r-1"]
        assert hook.taken[0].headers == {"path": "/hook", "x-topic": "orders"}


async def test_without_a_valid_proof_nothing_is_taken_in() -> None:
    async with hooked(auth=TOKEN) as hook:
        assert (await hook.post()).status_code == 401
        assert (await hook.post(authorization="Bearer wrong")).status_code == 401
        assert (await hook.post(authorization="Bearer token-of-a-sender")).status_code == 202
        assert len(hook.taken) == 1


async def test_a_signature_is_over_the_bytes_and_the_moment() -> None:
    body, clock = b'{"id": "evt_1", "n": 1.10}', NOW
    scheme = STRIPE.build()

    def header(at: int) -> str:
        signature = scheme.expected(b"whsec_of_stripe", "", {"stripe-signature": f"t={at}"}, body)  # type: ignore[attr-defined]
        return f"t={at},v1={signature}"

    async with hooked(auth=STRIPE) as hook:
        assert (await hook.post(body, stripe_signature=header(clock))).status_code == 202
        assert (await hook.post(body, stripe_signature=header(clock))).status_code == 202
        for wrong in (header(clock - 360), header(clock + 360), f"t={clock}", f"t={clock},v1=00"):
            assert (await hook.post(body, stripe_signature=wrong)).status_code == 401
        assert (await hook.post(body.replace(b" ", b"  "), stripe_signature=header(clock))).status_code == 401
        assert [arrival.id for arrival in hook.taken] == ["evt_1", "evt_1"]


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"a": NaN}',
        b'{"a": 1, "a": 2}',
        b"1" * 5000,
        b'"\\ud800"',
        '{"a":1}'.encode("utf-16"),
        b"{",
        b"",
    ],
)
async def test_a_body_that_is_not_the_json_it_says_is_400_with_the_reason(content: bytes) -> None:
    async with hooked() as hook:
        answer = await hook.post(content)
        assert answer.status_code == 400
        assert "JSON" in answer.json()["status"]
        assert hook.taken == []


async def test_unknown_paths_methods_and_encodings() -> None:
    async with hooked() as hook:
        assert (await hook.post(path="/other")).status_code == 404
        assert (await hook.post(path="//hook")).status_code == 404
        assert (await hook.post(path="/hook/../hook2")).status_code == 404
        answer = await hook.client.get("/hook", headers={"X-HTTP-Method-Override": "POST"})
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert (await hook.post(content_encoding="gzip")).status_code == 415
        assert hook.taken == []


async def test_a_body_above_the_cap_is_413_announced_or_not() -> None:
    chunked = b"POST /hook HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    async with hooked(max_body="8KiB") as hook:
        assert (await hook.post(b"x" * 9000)).status_code == 413
        endless = await raw(hook, chunked + (b"400\r\n" + b"x" * 1024 + b"\r\n") * 9)
        assert endless.startswith(b"HTTP/1.1 413")
        assert b"connection: close" in endless
        assert hook.taken == []


async def raw(hook: Hook, data: bytes, patience: float = 3.0) -> bytes:
    base = hook.client.base_url
    reader, writer = await asyncio.open_connection(base.host, base.port)
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), patience)
    finally:
        writer.close()


CHUNK = 1 << 16


def plainly(hook: Hook, head: str, pieces: list[bytes]) -> bytes:
    """What a client gets that sends everything and reads then. Raises ConnectionError when it is cut off before."""
    base = hook.client.base_url
    with socket.create_connection((base.host, base.port or 80), timeout=20) as sock:
        sock.sendall(f"POST /hook HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode())
        for piece in pieces:
            sock.sendall(piece)
        answer = b""
        while got := sock.recv(CHUNK):
            answer += got
        return answer


@pytest.mark.parametrize("path", ["/hook", "/another"])
async def test_a_plain_client_whose_body_is_refused_gets_its_answer_and_no_reset(path: str) -> None:
    cap = 1 << 20
    chunk = b"%x\r\n" % CHUNK + b"x" * CHUNK + b"\r\n"
    async with hooked(max_body="1MiB", path=path) as hook:
        status = b"HTTP/1.1 413" if path == "/hook" else b"HTTP/1.1 404"
        announced = f"Content-Length: {cap + 1}\r\nConnection: close"
        for _ in range(3):
            assert (await asyncio.to_thread(plainly, hook, announced, [b"x" * (cap + 1)])).startswith(status)
        unannounced = [chunk] * (cap // CHUNK) + [b"1\r\nx\r\n0\r\n\r\n"]
        head = "Transfer-Encoding: chunked\r\nConnection: close"
        assert (await asyncio.to_thread(plainly, hook, head, unannounced)).startswith(status)


async def test_who_asks_before_sending_too_much_is_answered_at_once() -> None:
    async with hooked(max_body="4KiB") as hook:
        head = "Content-Length: 5000\r\nExpect: 100-continue\r\nConnection: close"
        assert (await asyncio.to_thread(plainly, hook, head, [])).startswith(b"HTTP/1.1 413")


async def test_what_is_thrown_away_has_a_bound_in_bytes_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async with hooked(max_body="4KiB") as hook:
        # given one that promises more than it sends, and one that sends without end
        monkeypatch.setattr(body, "LONGEST_DRAIN", 0.2)
        answer = await asyncio.to_thread(plainly, hook, "Content-Length: 9000\r\nConnection: close", [b"x"])
        assert answer.startswith(b"HTTP/1.1 413")
        monkeypatch.setattr(body, "LONGEST_DRAIN", 3600.0)
        with pytest.raises(ConnectionError):
            await asyncio.to_thread(plainly, hook, f"Content-Length: {1 << 30}", [b"x" * CHUNK] * (1 << 14))


async def test_a_slow_body_is_408() -> None:
    async with hooked(read_timeout="100ms") as hook:
        answer = await raw(hook, b"POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nslow")
        assert answer.startswith(b"HTTP/1.1 408")


async def test_a_body_that_ends_after_its_route_is_503_and_no_defect(caplog: pytest.LogCaptureFixture) -> None:
    async with hooked(path="/a") as first:
        port = first.client.base_url.port
        async with hooked(port=port, path="/b"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST /b HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n1")
            await asyncio.sleep(0.05)
        writer.write(b"2")
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
    assert head.startswith(b"HTTP/1.1 503") and b"retry-after" in head
    assert "could not be handled" not in caplog.text


async def test_slow_headers_are_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "HEADER_TIMEOUT", 0.1)
    async with hooked() as hook:
        assert (await raw(hook, b"POST /hook HTTP/1.1\r\nhos")).startswith(b"HTTP/1.1 408")
        assert (await raw(hook, b"")).startswith(b"HTTP/1.1 408")


async def test_headers_without_end_and_nonsense_are_400() -> None:
    async with hooked() as hook:
        assert (await raw(hook, b"POST /hook HTTP/1.1\r\nx: " + b"a" * 40_000)).startswith(b"HTTP/1.1 400")
        assert (await raw(hook, b"\x16\x03\x01 nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400")
        both = b"POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\n1234"
        assert (await raw(hook, both)).startswith(b"HTTP/1.1 400")


async def test_several_routes_share_one_address_and_the_newest_of_a_path_answers() -> None:
    async with hooked(path="/a") as first:
        port = first.client.base_url.port
        async with hooked(port=port, path="/b") as second:
            assert (await first.post(path="/a")).status_code == 202
            assert (await first.post(path="/b")).status_code == 202
            async with hooked(port=port, path="/a") as newer:
                assert (await first.post(path="/a")).status_code == 202
            assert (await first.post(path="/a")).status_code == 202
        assert (await first.post(path="/b")).status_code == 404
    assert [len(hook.taken) for hook in (first, second, newer)] == [2, 1, 1]


async def test_an_address_in_use_is_a_transient_failure() -> None:
    listeners, port = Listeners(), free_port()
    first = await listeners.borrow(f"127.0.0.1:{port}", Limits())
    with pytest.raises(Transient, match="in use"):
        await Listeners().borrow(f"127.0.0.1:{port}", Limits())
    await listeners.give_back(first)
    await listeners.give_back(await listeners.borrow(f"127.0.0.1:{port}", Limits()))


async def test_an_address_others_can_reach_needs_a_proof() -> None:
    with pytest.raises(Permanent, match="no `auth`"):
        async with hooked(listen=f"0.0.0.0:{free_port()}"):
            pass


async def test_the_public_address_is_what_is_signed() -> None:
    square = AuthUse(SCHEMES["square"], SCHEMES["square"].Config(secret=Secret("s", "key-of-square", "1")))  # type: ignore[attr-defined]
    body = json.dumps({"event_id": "e-1"}).encode()
    signed = square.build().expected(b"key-of-square", "https://hooks.example.com/x/hook?a=1", {}, body)  # type: ignore[attr-defined]
    async with hooked(auth=square, public_url="https://hooks.example.com/x/") as hook:
        answer = await hook.post(body, path="/hook?a=1", x_square_hmacsha256_signature=signed)
        assert answer.status_code == 202
        assert hook.taken[0].id == "e-1"

"""TLS to a real broker, with certificates made here: who is trusted, who is let in, and what is said otherwise."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from yarl import URL

from engine.backends.rabbitmq import RabbitTransport
from engine.core.clock import SystemClock
from engine.core.errors import SettingsError, StoreDown
from engine.ports.transport import Address, Confirm, Outgoing, Topology
from tests.rabbitmq_broker import broker, fresh_names

pytestmark = [pytest.mark.anyio, pytest.mark.services]

LANE = Address("lane", "erp")
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class Listener:
    """Where the broker listens with TLS, and the folder with the files."""

    port: int
    folder: Path

    def url(self, **files: str) -> str:
        """With these files in its query."""
        url = URL(broker().url).with_scheme("amqps").with_host("localhost").with_port(self.port)
        return str(url.with_query({name: str(self.folder / file) for name, file in files.items()}))


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    """A listener of the broker that asks for a certificate, until the module is done."""
    if not broker().ctl or not shutil.which("openssl"):
        pytest.skip("needs rabbitmqctl and openssl")
    folder = tmp_path_factory.mktemp("tls")
    _certificates(folder)
    shared = Path(tempfile.gettempdir())
    for place in (folder, *(parent for parent in folder.parents if parent.is_relative_to(shared) and parent != shared)):
        place.chmod(0o755)  # the broker runs as somebody else
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    files = ", ".join(
        f'{{{name}, "{folder / file}"}}'
        for name, file in (("cacertfile", "ca.pem"), ("certfile", "server.pem"), ("keyfile", "server.key"))
    )
    options = f"[{files}, {{verify, verify_peer}}, {{fail_if_no_peer_cert, true}}]"
    address = f'{{"127.0.0.1", {port}, auto}}'
    broker().steer(
        "eval", f"application:ensure_all_started(ssl), rabbit_networking:start_ssl_listener({address}, {options}, 1)."
    )
    yield Listener(port, folder)
    broker().steer("eval", f"rabbit_networking:stop_tcp_listener({address}).")


def _certificates(folder: Path) -> None:
    """ca.pem and a stranger's other.pem; server and client, signed by the first."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=30)

    for name in ("ca", "other"):
        openssl("req", "-x509", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", "/CN=ca")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    for name in ("server", "client"):
        openssl("req", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
        openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
    for path in folder.iterdir():
        path.chmod(0o644)


OURS = {"cafile": "ca.pem", "certfile": "client.pem", "keyfile": "client.key"}


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[RabbitTransport]:
    one = RabbitTransport(url, SystemClock(), names=fresh_names())
    try:
        await one.open()
        yield one
    finally:
        await one.close()


async def test_everything_goes_over_tls(listener: Listener) -> None:
    async with opened(listener.url(**OURS)) as one:
        await one.declare(Topology((LANE,)))
        bodies = [bytes([n]) * (70_000 * n) for n in range(4)]
        assert await one.publish([Outgoing(LANE, {}, body) for body in bodies]) == [Confirm(True)] * 4
        subscription = await one.subscribe(LANE, 10)
        got: list[bytes] = []
        while len(got) < 4:
            receipts = await subscription.receive(10)
            got += [receipt.body for receipt in receipts]
            await subscription.ack(receipts)
        assert got == bodies


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({**OURS, "cafile": "other.pem"}, r"not trusted here.*\?cafile=\.\."),
        ({"cafile": "ca.pem"}, r"asks for a certificate of ours.*\?certfile=\.\.&keyfile=\.\."),
        ({**OURS, "cafile": "missing.pem"}, r"names cafile that cannot be used.*missing\.pem.*No such file"),
        ({**OURS, "cafile": "names"}, r"names cafile that cannot be used"),
        ({**OURS, "keyfile": "server.key"}, r"names certfile and keyfile that cannot be used.*server\.key"),
    ],
)
async def test_what_is_wrong_with_the_certificates_is_told(
    listener: Listener, files: dict[str, str], told: str
) -> None:
    # That our certificate is missing is told after the handshake; sometimes only the end of the connection arrives.
    with pytest.raises((SettingsError, StoreDown), match=told) as raised:
        async with opened(listener.url(**files)):
            pass
    assert "guest:guest" not in str(raised.value)


async def test_a_certificate_for_another_name_is_not_trusted(listener: Listener) -> None:
    url = URL(listener.url(**OURS)).with_host("127.0.0.1")
    with pytest.raises(SettingsError, match="is for another name"):
        async with opened(str(url)):
            pass

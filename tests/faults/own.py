"""A RabbitMQ and a PostgreSQL that belong to these tests alone: they are stopped, killed and run out of memory."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.proof.place import ROOT
from tests.rabbitmq_broker import Broker


class Own:
    """One service of docker/services.sh, on a port of its own. Skips where its programs are not; fails in CI."""

    def __init__(self, service: str, folder: Path) -> None:
        self.service = service
        self.folder = folder
        self.port = free_port()
        self._do("begin", needed=False)

    def stop(self) -> None:
        """Stop it; what it holds stays."""
        self._do("stop")

    def resume(self) -> None:
        """Start it over what it held."""
        self._do("resume")

    def end(self) -> None:
        """Stop it for good."""
        self._do("end")

    def _do(self, verb: str, *, needed: bool = True) -> None:
        environ = {"TILLFLOW_SERVICES_DIR": str(self.folder), f"TILLFLOW_{self.service.upper()}_PORT": str(self.port)}
        command = [str(ROOT / "docker" / "services.sh"), "own", verb, self.service]
        done = subprocess.run(command, env=os.environ | environ, stdout=subprocess.DEVNULL, timeout=120)
        if done.returncode and not needed and os.environ.get("CI") != "true":
            pytest.skip(f"a {self.service} of our own cannot be started here: its programs are not installed")
        assert done.returncode == 0, f"docker/services.sh own {verb} {self.service} ended with {done.returncode}"


class OwnBroker(Own):
    """Steered by its own rabbitmqctl."""

    def __init__(self, folder: Path) -> None:
        super().__init__("rabbitmq", folder)
        home = folder / "rabbitmq"
        node = f"tillflow-test-{self.port}@localhost"
        ctl = f"env HOME={home} RABBITMQ_CONF_ENV_FILE=/dev/null {_rabbitmqctl()} --quiet --node {node}"
        self.broker = Broker(f"amqp://guest:guest@127.0.0.1:{self.port}/", tuple(ctl.split()))
        self._pid = home / "pid"

    def kill(self) -> None:
        """As a power cut would."""
        os.kill(int(self._pid.read_text("ascii")), signal.SIGKILL)


class OwnPostgres(Own):
    """Its tables are made by whoever comes first."""

    def __init__(self, folder: Path) -> None:
        super().__init__("postgres", folder)
        self.dsn = f"postgresql://tillflow@127.0.0.1:{self.port}/tillflow"


@contextmanager
def ending(one: Own) -> Iterator[Own]:
    """It ends with the block."""
    try:
        yield one
    finally:
        one.end()


def _rabbitmqctl() -> str:
    found = Path("/usr/lib/rabbitmq/bin/rabbitmqctl")
    return str(found) if found.exists() else "rabbitmqctl"


def free_port() -> int:
    """A port that is free, and the next one too."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            try:
                other.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port

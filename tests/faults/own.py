"""A RabbitMQ and a PostgreSQL that belong to these tests alone: they are stopped, killed and run out of memory."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.proof.place import ROOT
from tests.rabbitmq_broker import Broker

NOT_INSTALLED = 3  # how docker/services.sh ends then


class Own:
    """One service of docker/services.sh, on a port of its own. Skips where its programs are not; fails in CI."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.folder = Path(tempfile.mkdtemp(prefix="tillflow-own-"))
        self.folder.chmod(0o755)  # a server that refuses to run as root becomes another user
        self.port = free_port()
        self._do("begin")

    def stop(self) -> None:
        """Stop it; what it holds stays."""
        self._do("stop")

    def resume(self) -> None:
        """Start it over what it held."""
        self._do("resume")

    def end(self) -> None:
        """Stop it for good."""
        self._do("end")
        shutil.rmtree(self.folder)

    def _do(self, verb: str) -> None:
        environ = {"TILLFLOW_SERVICES_DIR": str(self.folder), f"TILLFLOW_{self.service.upper()}_PORT": str(self.port)}
        command = [str(ROOT / "docker" / "services.sh"), "own", verb, self.service]
        done = subprocess.run(command, env=os.environ | environ, timeout=120)
        if done.returncode == NOT_INSTALLED and os.environ.get("CI") != "true":
            self.folder.rmdir()
            pytest.skip(f"a {self.service} of our own cannot be started here: its programs are not installed")
        assert done.returncode == 0, f"docker/services.sh own {verb} {self.service} ended with {done.returncode}"


class OwnBroker(Own):
    """Steered by its own rabbitmqctl."""

    def __init__(self) -> None:
        super().__init__("rabbitmq")
        home = self.folder / "rabbitmq"
        node = f"tillflow-test-{self.port}@localhost"
        ctl = f"env HOME={home} RABBITMQ_CONF_ENV_FILE=/dev/null {_rabbitmqctl()} --quiet --node {node}"
        self.broker = Broker(f"amqp://guest:guest@127.0.0.1:{self.port}/", tuple(ctl.split()))
        self._pid = home / "pid"

    def kill(self) -> None:
        """As a power cut would."""
        os.kill(int(self._pid.read_text("ascii")), signal.SIGKILL)


class OwnPostgres(Own):
    """Its tables are made by whoever comes first."""

    def __init__(self) -> None:
        super().__init__("postgres")
        self.dsn = f"postgresql://tillflow@127.0.0.1:{self.port}/tillflow"


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

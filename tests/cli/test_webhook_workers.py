"""A webhook's address under several workers of one host."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.conftest import Tillflow
from tests.cli.test_restarts import workers
from tests.cli.test_running import ROOT, until
from tests.faults.own import free_port
from tests.proof.shared import cell
from tests.rabbitmq_broker import broker

pytestmark = pytest.mark.services

HOOK = """tillflow: 1
route: hook
version: 1.0.0
summary: Keep what a webhook brings.
owner: shop-team
class: system
criticality: operational
from: {use: core.http, connection: hooks, path: /in, id_header: x-id}
to:
  - id: kept
    use: core.files
    connection: office
    action: write
    with: {name: "join('', ['hook-', number, '.json'])", content: "@"}
"""


def test_workers_share_the_address_of_a_webhook(
    tillflow: Tillflow, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    (project / "routes/hook.yaml").write_text(HOOK, "utf-8")
    connections = project / "routes/connections.yaml"
    hooks = f"  hooks: {{connector: core.http, listen: '127.0.0.1:{port}'}}\n"
    connections.write_text(connections.read_text("utf-8") + hooks, "utf-8")
    with cell() as made:
        monkeypatch.setenv("TILLFLOW_STORE", made.dsn)
        monkeypatch.setenv("TILLFLOW_TRANSPORT", broker().url)
        monkeypatch.setenv("TILLFLOW_CELL", made.name)
        command = [sys.executable, "-m", "engine.cli", "run", "--workers", "2"]
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        engine = subprocess.Popen(command, cwd=project, env=environ, stderr=subprocess.DEVNULL)

        def status() -> dict[str, Any]:
            said = tillflow("status", "--project", project, "--format", "json")
            return dict(said.json) if said.code == 0 else {}

        def posted(numbers: range) -> None:
            for number in numbers:
                sent = {"number": str(number)}
                answer = httpx.post(f"http://127.0.0.1:{port}/in", json=sent, headers={"x-id": str(number)})
                assert answer.status_code == 202, answer.text
            until(lambda: all((project / f"data/posted/hook-{number}.json").exists() for number in numbers))

        try:
            until(lambda: [one["state"] for one in status().get("workers", [])] == ["running"] * 2, 60.0)
            posted(range(20))
            assert status()["problems"] == []
            # one of them dies: the other one takes in everything, until there are two again
            os.kill(min(workers(engine.pid)), signal.SIGKILL)
            until(lambda: len(workers(engine.pid)) == 2, 60.0)
            until(lambda: [one["state"] for one in status().get("workers", [])] == ["running"] * 2, 60.0)
            posted(range(20, 40))
            assert status()["problems"] == []
        finally:
            engine.send_signal(signal.SIGTERM)
            engine.wait(timeout=60)

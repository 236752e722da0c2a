"""A route with ten sinks, each with a connection of its own."""

from __future__ import annotations

from tests.faults.story import RETRY
from tests.proof import projects

SINKS = [f"sink-{letter * 2}" for letter in "abcdefghij"]
LOST = SINKS[3]  # the one whose system is away


def files(source: str = projects.FROM_FILES) -> dict[str, str]:
    """The project. Where each system is stands in the environment; see `addresses`."""
    systems = "".join(
        f"  {sink}:\n    connector: core.http\n    url: ${{{_variable(sink)}}}\n    allow_private: true\n"
        "    zone: eu\n    limits: {timeout: 1s, concurrency: 8}\n"
        for sink in SINKS
    )
    door = '  door: {connector: core.http, listen: "${DOOR}", zone: eu}\n' if "core.http" in source else ""
    to = "".join(
        f"  - {{id: {sink}, use: core.http, connection: {sink}, action: post, "
        f"with: {{path: {{const: /once/{sink}}}, body: {{reference: receipt, total: total}}}}, {RETRY}}}\n"
        for sink in SINKS
    )
    made = projects.project(projects.posting(to, source=source + "accepts: sale@1\n"))
    del made["routes/ingest.yaml"]
    return made | {"routes/connections.yaml": projects.CONNECTIONS + systems + door}


def addresses(well: str, lost: str) -> dict[str, str]:
    """Environment: where the nine are, and the one."""
    return {_variable(sink): lost if sink == LOST else well for sink in SINKS}


def _variable(sink: str) -> str:
    return sink.upper().replace("-", "_")

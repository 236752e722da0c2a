"""Routes that several tests run."""

from __future__ import annotations

HEAD = """
tillflow: 1
version: 1.0.0
summary: A route of a test.
owner: stores
class: process
"""


def route(name: str, rest: str, criticality: str = "financial") -> str:
    """A route file."""
    return f"{HEAD}route: {name}\ncriticality: {criticality}\n{rest}"


FROM_FILE = "from: {use: lab, connection: outside, format: json}\n"
FROM_SALES = "from: {event: sale@1}\n"
TO_BUS = "to:\n  - {id: sales, event: sale@1}\n"
TO_ERP = "to:\n  - {id: erp, use: lab, connection: outside, action: post, with: {reference: receipt, total: total}}\n"
CHECKED = "steps:\n  - {id: shape, validate: sale@1}\n"
TRAINING = (
    "steps:\n  - {id: training, when: \"present(note) && note == 'training'\", filter: {reason: training-mode}}\n"
)

INGEST = route("ingest", FROM_FILE + CHECKED + TO_BUS)
POSTING = route("posting", FROM_SALES + TRAINING + TO_ERP)
SALES = {"routes/ingest.yaml": INGEST, "routes/posting.yaml": POSTING}


def posting(
    steps: str = "", to: str = TO_ERP, criticality: str = "financial", source: str = FROM_SALES
) -> dict[str, str]:
    """Ingest as ever, and a posting route of other steps or sinks."""
    return SALES | {"routes/posting.yaml": route("posting", source + steps + to, criticality)}


def alone(rest: str, criticality: str = "financial") -> dict[str, str]:
    """One route straight from files."""
    return {"routes/one.yaml": route("one", FROM_FILE + rest, criticality)}

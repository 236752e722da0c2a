"""Snippets of YAML made into whole files of a project."""

from __future__ import annotations

import re

from engine.config.project import read_project_from
from engine.core.findings import Finding

BASE_ROUTE = {
    "tillflow": "tillflow: 1",
    "route": "route: sales",
    "version": "version: 1.0.0",
    "owner": "owner: finance",
    "class": "class: process",
    "criticality": "criticality: financial",
    "from": "from: {event: sale.completed@2}",
    "to": "to: [{id: erp, event: sale.posted@1}]",
}
_PLACES = {
    "connections": "routes/connections.yaml",
    "tables": "routes/tables.yaml",
    "scopes": "routes/scopes.yaml",
    "tests": "routes/sales.test.yaml",
    "pack": "routes/regions/es/pack.yaml",
    "overlay": "routes/regions/es/sales.overlay.yaml",
    "mapping": "mappings/sale-to-journal.yaml",
    "subflow": "routes/shared.yaml",
    "$id": "mappings/schemas/sale.completed@2.yaml",
}


def file_for(text: str) -> tuple[str, str]:
    """(path, whole text) of a snippet: what a route needs besides is added in front of it."""
    keys = re.findall(r"^([$\w-]+):", text, re.MULTILINE)
    for key, path in _PLACES.items():
        if key in keys:
            head = "" if "tillflow" in keys or key == "$id" else "tillflow: 1\n"
            return path, head + text
    head = "".join(f"{line}\n" for key, line in BASE_ROUTE.items() if key not in keys)
    return "routes/sales.yaml", head + text


def findings_in(text: str) -> list[Finding]:
    """Findings of a project whose only file is the snippet, without the ones about being alone."""
    path, whole = file_for(text)
    _, findings = read_project_from({path: whole.encode()}, {})
    return [finding for finding in findings if finding.code != "TF9009"]

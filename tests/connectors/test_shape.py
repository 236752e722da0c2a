"""Every connector folder has the same shape, and everything it offers is run through the contract kit here."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.discover import discover
from engine.plugins.spec import ComponentSpec, Connector

ROOT = Path(__file__).parents[2]
REGISTRY = discover()
CONNECTED = [connector for connector in REGISTRY.connectors.values() if connector.connection is not None]
KITS = {"source": "SourceContract", "sink": "SinkContract", "call": "CallContract", "format": "FormatContract"}
# What a client knows nothing of: routes and deliveries.
OF_ROUTES = {"Source", "Sink", "Call", "SinkItem", "SinkResult", "Arrival", "Action", "SourceContext", "sink", "source"}
NO_FAKE = {"core.files"}  # its system is a folder, and tests have folders


def folder_of(connector: Connector) -> Path:
    return Path(inspect.getfile(importlib.import_module(f"connectors.{connector.name}"))).parent


@pytest.mark.parametrize("connector", REGISTRY.connectors.values(), ids=lambda connector: connector.name)
def test_sources_sinks_and_calls_stand_in_files_of_that_name(connector: Connector) -> None:
    assert (folder_of(connector) / "example.yaml").exists()
    for spec in connector.specs():
        if spec.kind in ("source", "sink", "call"):
            assert spec.target.__module__ == f"connectors.{connector.name}.{spec.kind}"


@pytest.mark.parametrize("connector", CONNECTED, ids=lambda connector: connector.name)
def test_a_connector_that_opens_something_has_config_client_and_fake(connector: Connector) -> None:
    assert connector.connection is not None
    assert connector.connection.__module__ == f"connectors.{connector.name}.connection"
    assert connector.connection.Config.__module__ == f"connectors.{connector.name}.config"
    wanted = {"config.py", "client.py", "connection.py"} | (set() if connector.name in NO_FAKE else {"fake.py"})
    assert wanted <= {path.name for path in folder_of(connector).iterdir()}


@pytest.mark.parametrize("connector", CONNECTED, ids=lambda connector: connector.name)
def test_a_client_knows_nothing_of_routes(connector: Connector) -> None:
    tree = ast.parse((folder_of(connector) / "client.py").read_text("utf-8"))
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "engine.sdk"
        for alias in node.names
    }
    assert imported & OF_ROUTES == set()


def contracts() -> dict[str, list[tuple[str, set[str]]]]:
    """Kit -> of each test class that runs it: its name, and the words that it, its bases and its helpers hold."""
    found: dict[str, list[tuple[str, set[str]]]] = {kit: [] for kit in KITS.values()}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        body = ast.parse(path.read_text("utf-8")).body
        classes = {node.name: node for node in body if isinstance(node, ast.ClassDef)}
        helpers = {node.name: set(_words(node)) for node in body if isinstance(node, ast.FunctionDef)}
        for name, node in classes.items():
            line = list(_line(node, classes))
            words = {word for one in line if isinstance(one, ast.ClassDef) for word in _words(one)}
            words |= {word for helper in words & set(helpers) for word in helpers[helper]}
            for base in {one for one in line if isinstance(one, str)} & set(found):
                if name.startswith("Test"):
                    found[base].append((name, words))
    return found


def _line(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> Iterator[ast.ClassDef | str]:
    """The class, its bases in the same module as they are, and the names of those from elsewhere."""
    yield node
    for base in node.bases:
        if isinstance(base, ast.Name):
            yield from _line(classes[base.id], classes) if base.id in classes else [base.id]


def _words(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value


def offered() -> list[tuple[ComponentSpec, str]]:
    """Everything the connectors here offer: a source or format, or one action of a sink or call."""
    specs = [
        spec for spec in REGISTRY.specs() if spec.kind in KITS and spec.target.__module__.startswith("connectors.")
    ]
    return [(spec, action) for spec in specs for action in getattr(spec.target, "actions", {"": None})]


@pytest.mark.parametrize(("spec", "action"), offered(), ids=[f"{s.kind} {s.name} {a}".strip() for s, a in offered()])
def test_the_contract_kit_runs_over_it(spec: ComponentSpec, action: str) -> None:
    wanted = {spec.target.__name__, action} - {""}
    assert [name for name, words in contracts()[KITS[spec.kind]] if wanted <= words]

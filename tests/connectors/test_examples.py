"""Each connector's example is a small project that has no finding; each field it offers is described."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from engine.backends.secrets import DictSecrets
from engine.compile.compiler import compile_project
from engine.config.project import read_project_from
from engine.core.codes import catalogue
from engine.discover import discover

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "connectors").rglob("example.yaml"))
REGISTRY = discover()


def parts(example: Path) -> dict[str, bytes]:
    """The files an example stands for: each begins with a comment that names it."""
    found = [part.strip() for part in example.read_text().split("\n---\n")]
    named = {part.partition("\n")[0].removeprefix("# "): part.encode() for part in found}
    assert len(named) == len(found)
    return named


def test_every_connector_has_an_example() -> None:
    folders = {example.parent.relative_to(ROOT / "connectors") for example in EXAMPLES}
    assert {str(folder).replace("/", ".") for folder in folders} == set(REGISTRY.connectors)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.parent.name)
def test_an_example_has_no_finding_and_makes_a_plan(example: Path) -> None:
    files = parts(example)
    names = set(re.findall(r"\$\{secret\.(\w+)\}", example.read_text()))
    project, found = read_project_from(files, {})
    routes, more = compile_project(project, REGISTRY, DictSecrets(dict.fromkeys(names, "c2VjcmV0")))
    assert [
        f"{finding.mark.file}:{finding.mark.line} {finding.code} {finding.message}" for finding in [*found, *more]
    ] == []
    assert len(routes.plans) == len(files) - 1


def _fields(model: Any, at: str) -> list[tuple[str, Any]]:
    return [(f"{at}.{name}", field) for name, field in model.model_fields.items()]


def _configs() -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for spec in REGISTRY.specs():
        if spec.target.__module__.startswith("connectors.") and spec.config is not None:
            found += _fields(spec.config, f"{spec.kind} {spec.name}")
        for name, action in getattr(spec.target, "actions", {}).items():
            found += _fields(action.config, f"{spec.kind} {spec.name} {name}")
    for name, connector in REGISTRY.connectors.items():
        if connector.connection is not None:
            found += _fields(connector.connection.Config, f"connection {name}")
    return found


def test_every_field_is_described_because_the_descriptions_are_the_reference() -> None:
    undescribed = [place for place, field in _configs() if not (field.description or "").endswith((".", "`"))]
    assert undescribed == []
    assert len(_configs()) > 100


def test_every_action_says_what_it_does() -> None:
    actions = [a for spec in REGISTRY.specs() for a in getattr(spec.target, "actions", {}).values()]
    assert actions
    assert all(action.summary for action in actions)


def test_every_finding_of_a_connector_has_a_page_and_every_page_is_used() -> None:
    used = {
        code for file in (ROOT / "connectors").rglob("*.py") for code in re.findall(r'"(TF\d{4})"', file.read_text())
    }
    assert used <= set(catalogue())
    assert {code for code in catalogue() if code.startswith("TF50")} == used

"""Each step type is one declaration, from which its reference page, checks and editor schema come."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import engine.steps
from engine.core.codes import catalogue
from engine.core.codes.steps import CODES
from engine.plugins.contracts import Step
from engine.plugins.spec import spec_of
from engine.steps import BUILTIN

FOLDER = Path(engine.steps.__file__).parent
NAMES = [
    *(
        "aggregate",
        "call",
        "check",
        "choose",
        "claim_check",
        "delay",
        "drop",
        "enrich",
        "filter",
        "keep",
        "map",
        "mask",
    ),
    *("policy", "set", "slot", "split", "subflow", "template", "throttle", "try", "validate", "wire_tap"),
]


def test_every_step_type_of_the_language_is_there() -> None:
    assert [spec_of(step).name for step in BUILTIN] == NAMES


def test_one_file_per_step_type() -> None:
    files = sorted(file.stem.rstrip("_") for file in FOLDER.glob("*.py") if file.stem != "__init__")
    assert files == NAMES


@pytest.mark.parametrize("step", BUILTIN, ids=lambda step: spec_of(step).name)
def test_a_step_type_explains_itself(step: type[Step]) -> None:
    spec = spec_of(step)
    assert spec.summary.endswith(".")
    assert f"{spec.name}:" in spec.text or f"{spec.name}`" in spec.text, "an example"
    assert "On failure:" in spec.text or "Never fails" in spec.text
    schema = step.Config.model_json_schema()
    for name, field in schema.get("properties", {}).items():
        assert field.get("description"), f"{spec.name}.{name} has no description"
    assert len(importlib.import_module(step.__module__).__doc__ or "") > 5


def test_every_code_has_its_page_and_is_used() -> None:
    source = "".join(file.read_text() for file in FOLDER.rglob("*.py"))
    fields = "".join(file.read_text() for file in (FOLDER.parent / "plugins").glob("*.py"))
    for page in CODES:
        assert catalogue()[page.code] is page
        assert f'"{page.code}"' in source + fields, f"{page.code} is described and never reported"

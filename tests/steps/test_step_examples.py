"""The example on the page of every step type is one: it stands in a route and validates."""

from __future__ import annotations

import re

import pytest

from engine.plugins.spec import spec_of
from engine.sdk import Step
from engine.steps import BUILTIN
from tests.compile.support import compiled, with_changes

ROUTE = """tillflow: 1
route: tryout
version: 1.0.0
owner: team
criticality: operational
from: {{use: core.files, connection: store-files, match: "*.json", format: json}}
steps:
  - {{{step}}}
to:
  - {{id: erp, use: erp.tryton, connection: finance-erp, action: notify, with: {{entry: "@"}}}}
"""
# A page names tables, sinks and the like of a project that is not there.
NO_SUCH_NAME = re.compile(r"TF30\d\d")


def examples(step: type[Step]) -> list[str]:
    spec = spec_of(step)
    found = re.findall(rf"`({spec.name}: [^`]+)`", spec.text)
    return [" ".join(text.split()) for text in found]


@pytest.mark.parametrize("step", BUILTIN, ids=lambda step: spec_of(step).name)
def test_the_example_of_a_step_type_validates(step: type[Step]) -> None:
    found = examples(step)
    assert found
    for text in found:
        whole = text if text.startswith("slot:") else f"id: example, {text}"
        _, findings = compiled(with_changes({"routes/tryout.yaml": ROUTE.format(step=whole)}))
        here = [one for one in findings if one.mark.file == "routes/tryout.yaml" and not NO_SUCH_NAME.match(one.code)]
        assert here == [], text

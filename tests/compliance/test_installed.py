"""The rules as plugins: examples of their pages hold, they are described, and a missing library is told and breaks nothing."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from connectors.compliance.support import libraries
from connectors.compliance.vat_ids.functions import vat_id_ok
from engine.backends.secrets import DictSecrets
from engine.compile.compiler import compile_project
from engine.config.project import read_project_from
from engine.core.errors import Permanent
from engine.core.jsonx import decode
from engine.discover import discover
from engine.expr.functions import FunctionTable
from engine.expr.jmes import compile_expression
from engine.expr.values import Refused
from tests.compliance.support import Env
from tests.connectors.test_examples import parts

ROOT = Path(__file__).parents[2]
REGISTRY = discover()
COMPLIANCE = [one for name, one in REGISTRY.connectors.items() if name.startswith("compliance.")]
SPECS = [spec for connector in COMPLIANCE for spec in connector.specs()]
TABLE = FunctionTable.builtin().extended({spec.name: spec.target for spec in SPECS if spec.kind == "function"})
EXAMPLES = [(text, result) for spec in SPECS if spec.kind == "function" for text, result in TABLE[spec.name].examples]


@pytest.mark.parametrize(("expression", "result"), EXAMPLES)
def test_the_examples_of_the_pages(expression: str, result: str) -> None:
    assert compile_expression(expression, TABLE)({}, Env()) == decode(result)


def test_secrets_reach_the_functions_that_use_them_and_nothing_else() -> None:
    env = Env({"csc": "CODE", "gdpr.ES": "key"})
    qr = f"nfce_qr('http://state.example', '{'1' * 44}', '1', '1', secret('csc'))"
    made = compile_expression(qr, TABLE)({}, env)
    assert made.endswith(hashlib.sha1(f"{'1' * 44}|2|1|1CODE".encode()).hexdigest().upper())
    named = compile_expression("pseudonym(email, secret('gdpr', country), 'email')", TABLE)
    assert named.secret is None
    assert len(named({"email": "a@b.example", "country": "ES"}, env)) == 64
    with pytest.raises(Permanent, match="is not set"):
        named({"email": "a@b.example", "country": "AT"}, env)


def test_every_folder_but_what_they_share_is_a_plugin_and_every_rule_cites_its_source() -> None:
    folders = {path.name for path in (ROOT / "connectors/compliance").iterdir() if (path / "__init__.py").exists()}
    assert {connector.name for connector in COMPLIANCE} == {f"compliance.{name}" for name in folders - {"support"}}
    for connector in COMPLIANCE:
        pages = " ".join(" ".join(spec.text.split()) for spec in connector.specs())
        assert re.search(r"Rules?: |the table", pages), connector.name
        assert "ot covered" in pages, connector.name
    for spec in (spec for spec in SPECS if spec.kind == "step"):
        text = " ".join(spec.text.split())
        assert "On failure:" in text and re.search(r"(since|from) \d{4}-\d{2}-\d{2}", text), spec.name


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the extra were not installed."""
    known = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> Any:
        return None if name.partition(".")[0] in ("cryptography", "stdnum") else known(name, package)

    monkeypatch.setattr(libraries, "find_spec", find)
    for name in ("cryptography", "stdnum"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize("name", ["at_rksv", "de_kassensichv", "pt_invoices"])
def test_a_missing_library_is_a_finding_that_says_what_to_install(bare: None, name: str) -> None:
    found = findings(name)
    assert [finding.code for finding in found] == ["TF5050"]
    assert "cryptography" in found[0].message and found[0].help == "pip install cryptography"


@pytest.mark.parametrize(
    "name", ["es_verifactu", "es_ticketbai", "in_gst", "br_nfce", "gdpr", "pci", "gs1", "vat_ids", "vat_rates"]
)
def test_and_breaks_nothing_else(bare: None, name: str) -> None:
    assert findings(name) == []


def findings(name: str) -> list[Any]:
    files = parts(ROOT / "connectors/compliance" / name / "example.yaml")
    project, found = read_project_from(files, {})
    secrets = DictSecrets(dict.fromkeys(("rksv_aes", "gdpr", "nfce_csc"), "c2VjcmV0"))
    return [*found, *compile_project(project, REGISTRY, secrets)[1]]


def test_a_function_and_a_step_say_it_too(bare: None) -> None:
    with pytest.raises(Refused, match=r"stdnum.*pip install python-stdnum"):
        vat_id_ok("ESB58378431")
    with pytest.raises(Permanent, match=r"library-missing.*cryptography"):
        libraries.require("cryptography", "step `rksv`")


def test_a_secret_the_engine_was_not_given_is_a_finding_at_its_name() -> None:
    files = parts(ROOT / "connectors/compliance/at_rksv/example.yaml")
    project, _ = read_project_from(files, {})
    _, found = compile_project(project, REGISTRY, DictSecrets({}))
    assert [(finding.code, finding.mark.line) for finding in found] == [("TF1053", 17)]

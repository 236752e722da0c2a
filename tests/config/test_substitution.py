"""`${...}` in values: filled in after parsing, never changing structure, never shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.document import Document
from engine.config.models import ConnectionsDoc
from engine.config.substitution import Joined, ParamRef, SecretRef, substituted, with_params, with_secrets
from engine.config.validate import validated
from engine.config.yaml import read_text
from engine.core.findings import Finding
from engine.ports.secrets import Secret


def read(text: str, env: dict[str, str] | None = None) -> tuple[Document, list[Finding]]:
    document, findings = read_text("f.yaml", text)
    assert document is not None and findings == []
    return substituted(document, env or {})


class OneSecret:
    def get(self, name: str) -> Secret:
        if name != "token":
            raise KeyError(name)
        return Secret(name, "s3cr3t", "1")


@pytest.mark.parametrize(
    ("written", "env", "value"),
    [
        ("${X}", {"X": "42"}, 42),
        ('"${X}"', {"X": "42"}, "42"),
        ("${X}", {"X": "NO"}, "NO"),
        ("${X}", {"X": "0042"}, "0042"),
        ("${X}", {"X": "true"}, True),
        ("${X}", {"X": ""}, ""),
        ("${X:7}", {}, 7),
        ("${X:}", {}, ""),
        ("${X:http://a:80/b}", {}, "http://a:80/b"),
        ("${X:7}", {"X": "8"}, 8),
        ("a${X}b", {"X": "1"}, "a1b"),
        ("${X}${Y}", {"X": "1", "Y": "2"}, "12"),
        ("$${X}", {"X": "1"}, "${X}"),
        ("a $${X} ${X}", {"X": "1"}, "a ${X} 1"),
        ("${X}", {"X": "{a: 1}"}, "{a: 1}"),
        ("${X}", {"X": "b\nc: d"}, "b\nc: d"),
        ("${X}", {"X": "${Y}", "Y": "1"}, "${Y}"),
    ],
)
def test_environment_values(written: str, env: dict[str, str], value: object) -> None:
    document, findings = read(f"k: {written}\n", env)
    assert findings == []
    assert document.data == {"k": value}
    assert type(document.data["k"]) is type(value)


@pytest.mark.parametrize(
    ("written", "code", "column", "suggestion"),
    [
        ("${lower}", "TF1050", 4, "${LOWER}"),
        ("x ${open", "TF1050", 6, ""),
        ("${env:HOME}", "TF1050", 4, "${HOME}"),
        ("${secrets.erp}", "TF1050", 4, "${secret.erp}"),
        ("${}", "TF1050", 4, ""),
        ("a ${MISSING} b", "TF1051", 6, ""),
        ("${HOSTNAM}", "TF1051", 4, "HOSTNAME"),
    ],
)
def test_wrong_references(written: str, code: str, column: int, suggestion: str) -> None:
    """Attack row X40: `${env:HOME}` of an undefined name among them."""
    _, findings = read(f"k: {written}\n", {"HOSTNAME": "very-private"})
    assert [(f.code, f.mark.line, f.mark.column, f.suggestion) for f in findings] == [(code, 1, column, suggestion)]
    assert "very-private" not in str(findings)


def test_nothing_is_substituted_in_keys() -> None:
    _, findings = read("${X}: 1\n", {"X": "a"})
    assert [(f.code, f.mark.column) for f in findings] == [("TF1050", 1)]


def test_secrets_and_parameters_become_references() -> None:
    document, findings = read("a: ${secret.token}\nb: ${param.rate}\nc: Bearer ${secret.token}\n")
    assert findings == []
    assert document.data == {
        "a": SecretRef("token"),
        "b": ParamRef("rate"),
        "c": Joined(("Bearer ", SecretRef("token"))),
    }


def test_a_parameter_that_is_the_whole_scalar_keeps_its_type() -> None:
    document, _ = read('a: ["${param.n}", "n=${param.n}"]\n')
    data, findings = with_params(document.data, {"n": 5}, document)
    assert findings == []
    assert data == {"a": [5, "n=5"]}


def test_an_unknown_parameter_suggests_the_nearest() -> None:
    document, _ = read("a: ${param.erp_rat}\n")
    _, findings = with_params(document.data, {"erp_rate": 5}, document)
    assert [(f.code, f.mark.line, f.mark.column, f.suggestion) for f in findings] == [("TF1052", 1, 4, "erp_rate")]


def test_secrets_are_filled_in_and_never_printed() -> None:
    document, _ = read("a: ${secret.token}\nb: Bearer ${secret.token}\n")
    data, findings = with_secrets(document.data, OneSecret(), document)
    assert findings == []
    assert (data["a"].reveal(), data["b"].reveal()) == ("s3cr3t", "Bearer s3cr3t")
    assert "s3cr3t" not in repr(data)


def test_an_unknown_secret_is_told_at_its_place() -> None:
    document, _ = read("a:\n  b: ${secret.other}\n")
    _, findings = with_secrets(document.data, OneSecret(), document)
    assert [(f.code, f.mark.line, f.mark.column) for f in findings] == [("TF1053", 2, 6)]


def test_a_finding_about_an_environment_value_shows_its_name_only() -> None:
    text = 'tillflow: 1\nconnections:\n  erp: {connector: core.http, limits: {timeout: "${WAIT}", concurrency: 1}}\n'
    document, _ = read(text, {"WAIT": "hunter2"})
    _, findings = validated(document, ConnectionsDoc)
    assert [f.code for f in findings] == ["TF1124"]
    assert "hunter2" not in str(findings)
    assert "${WAIT}" in findings[0].message


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else None


@given(st.text(max_size=40))
def test_no_value_changes_structure(value: str) -> None:
    text = "a: ${X}\nb: {c: '${X}', d: [\"x${X}\"]}\n"
    document, _ = read(text, {"X": value})
    assert shape(document.data) == {"a": None, "b": {"c": None, "d": [None]}}
    assert document.data["b"] == {"c": value, "d": ["x" + value]}


@pytest.mark.parametrize("env", [{}, {"A": "1"}, {"B": "1"}])
def test_references_inside_references_are_findings_at_their_place(env: dict[str, str]) -> None:
    _, findings = read("k: data/${A:${B:x}}\n", env)
    assert [(f.code, f.mark.column) for f in findings] == [("TF1050", 13)]
    assert "nested references are not resolved" in findings[0].message


@pytest.mark.parametrize(
    "text",
    [
        "route: ${A:x}",
        "criticality: ${A:x}",
        "from: {event: '${A:x}'}",
        "from: {use: '${A:x}'}",
        "to: [{id: '${A:x}'}]",
        "to: [{effect: 'a${A:x}'}]",
        "connections: {erp: {connector: '${A:x}'}}",
        "steps: [{id: '${A:x}'}]",
        "steps: [{id: a, choose: [{steps: [{id: '${A:x}'}]}]}]",
        "steps: [{id: a, call: {use: '${A:x}'}}]",
    ],
)
def test_names_and_identities_do_not_change_with_the_environment(text: str) -> None:
    _, findings = read(text)
    assert [f.code for f in findings] == ["TF1050"]


@pytest.mark.parametrize(
    "text",
    [
        "owner: ${A:x}",
        "version: ${A:x}",
        "summary: ${A:x}",
        "keep: ${A:x}",
        "to: [{rate: '${A:x}'}]",
        "to: [{with: {id: '${A:x}'}}]",
        "connections: {erp: {url: '${A:x}'}}",
    ],
)
def test_what_is_no_name_may(text: str) -> None:
    assert read(text)[1] == []

"""JSON on a terminal: a text that came from outside says there what it says to a program, and does nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.cli.findings import show
from engine.cli.output import FindingForm, print_json
from engine.core.findings import Finding, Mark
from engine.core.jsonx import decode, encode
from tests.cli.conftest import Tillflow

ODD = [*map(chr, range(0x80, 0xA0)), *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)), "\x7f"]


def test_what_a_terminal_would_obey_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"text": "caf\xe9 " + "".join(ODD), "lines": ["a\nb", "\x1b[31m"]}
    print_json(value)
    told = capsys.readouterr().out
    assert told.replace("\n", "").isprintable() and "caf\xe9" in told and "\\u202e" in told and "\\u009b" in told
    assert decode(told) == value


@pytest.mark.parametrize("form", [FindingForm.JSON, FindingForm.SARIF])
def test_findings_too(form: FindingForm, capsys: pytest.CaptureFixture[str]) -> None:
    show([Finding("TF1001", "`\u202egpj\x9b31m` is no key", Mark("routes/a.yaml", 1, 1))], form)
    told = capsys.readouterr().out
    assert told.replace("\n", "").isprintable() and r"\u202egpj\u009b31m" in told
    assert "\u202egpj\x9b31m" in encode(decode(told)).decode()


def test_a_command_that_is_wrong_says_so_the_same_way(tillflow: Tillflow, tmp_path: Path) -> None:
    said = tillflow("status", "--project", tmp_path / "a\u202eb", "--format", "json")
    assert said.out.replace("\n", "").isprintable() and "a\u202eb" in said.json["error"]["text"]

"""Wrong options, names and files: each command says what is wrong and what to do, and never shows its insides."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from engine.cli.output import Exit
from tests.cli.conftest import Tillflow

USAGE, FAILED = Exit.USAGE, Exit.FAILED

WRONG = [
    ("validate nope.yaml", USAGE),
    ("validate /etc/hostname", USAGE),
    ("validate --format xml", USAGE),
    ("validate --project bad.bin", USAGE),
    ("validate --stat x", USAGE),
    ("fmt nope", USAGE),
    ("fmt bad.bin", USAGE),
    ("explain TF0000", USAGE),
    ("explain ../x", USAGE),
    ("schema nope", USAGE),
    ("test nope.yaml", USAGE),
    ("test -k zzz", USAGE),
    ("test --min-coverage 200", USAGE),
    ("test --junit routes", USAGE),
    ("test --junit nowhere/results.xml", USAGE),
    ("eval", USAGE),
    ("eval a bad.json", USAGE),
    ("eval a /dev/zero", USAGE),
    ("eval a bad.bin", USAGE),
    ("eval a deep.json", USAGE),
    ("eval a routes", USAGE),
    ("eval a missing.json", USAGE),
    ("eval 'a[' good.json", USAGE),
    ("eval '' good.json", USAGE),
    ("eval \"money('x')\" good.json", FAILED),
    ("dry-run nope good.json", USAGE),
    ("dry-run post-sales bad.json", FAILED),
    ("dry-run post-sales bad.bin", FAILED),
    ("dry-run post-sales deep.json", FAILED),
    ("dry-run post-sales routes", USAGE),
    ("dry-run till-sales bad.bin", FAILED),
    ("run --alone --state bad.bin", USAGE),
    ("status --state bad.bin", USAGE),
    ("doctor --state /dev/null/x", FAILED),
    ("trace", USAGE),
    ("trace nope", USAGE),
    ("work list --limit 0", USAGE),
    ("work list --limit 99999999999999", USAGE),
    ("work show ''", USAGE),
    ("work show a/b", USAGE),
    ("work show ..", USAGE),
    ("work edit ab -r x --file bad.bin", USAGE),
    ("work replay -r x", USAGE),
    ("work replay ab --all -r x", USAGE),
    ("work replay ab --yes -r x", USAGE),
    ("work replay ab", USAGE),
    ("work resolve ab -r ' '", USAGE),
    ("work discard ab", USAGE),
    ("plan --state bad.bin", USAGE),
    ("plan nope", USAGE),
    ("apply --accept effect-chnaged", USAGE),
    ("apply --within 0", USAGE),
    ("apply -r ' '", USAGE),
    ("history --limit 0", USAGE),
    ("diff 1", USAGE),
    ("diff 1 ../x", USAGE),
    ("rollback", USAGE),
    ("rollback a/b", USAGE),
    ("rollback ''", USAGE),
    ("dev nope", USAGE),
    ("dev --project routes", USAGE),
    ("demo nope", USAGE),
    ("connectors show nope", USAGE),
    ("new connector 'Bad Name'", USAGE),
    ("new connector a.b --into bad.bin", USAGE),
    ("init routes", USAGE),
    ("init bad.bin/x", USAGE),
    ("--nope", USAGE),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with files nobody can use; no command of this module changes it."""
    from importlib.resources import files

    from engine.cli.init import _lay_down

    folder = tmp_path_factory.mktemp("shop")
    _lay_down(files("engine.cli") / "starter", folder)
    for name, content in {
        "bad.bin": b"\xff\xfe\x00",
        "bad.json": b'{"a": 1',
        "deep.json": b"[" * 100_000,
        "good.json": b'{"a": 1}',
    }.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(("line", "code"), WRONG, ids=[line for line, _ in WRONG])
def test_wrong_use_is_told(
    tillflow: Tillflow, shop: Path, monkeypatch: pytest.MonkeyPatch, line: str, code: Exit
) -> None:
    monkeypatch.chdir(shop)

    said = tillflow(*shlex.split(line))

    assert said.code == code, said
    told = said.out + said.err
    assert told.strip()
    assert "Traceback" not in told and "defect of the engine" not in told
    assert "\x1b[" not in told


@pytest.mark.parametrize(
    "command",
    ["validate", "fmt", "explain", "schema", "test", "eval", "dry-run", "status", "doctor", "trace", "demo", "init",
     "plan", "apply", "history", "diff", "rollback",
     "work list", "work show", "work edit", "work replay", "work resolve", "work discard",
     "connectors list", "connectors show", "new connector"],
)  # fmt: skip
def test_every_command_that_answers_has_a_json_form(tillflow: Tillflow, command: str) -> None:
    said = tillflow(*command.split(), "--help")

    assert said.code == 0
    assert "--format" in said.out


def test_exit_codes_stand_in_the_help(tillflow: Tillflow) -> None:
    assert "Exit codes: 0 done" in " ".join(tillflow("--help").out.split())

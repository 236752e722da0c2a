"""Wrong options, names and files: each command says what is wrong and what to do, and never shows its insides."""

from __future__ import annotations

import errno
import shlex
import socket
from pathlib import Path

import pytest

from engine.cli import project as projects
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
    ("run --project nowhere", USAGE),
    ("run --state bad.bin/x", USAGE),
    ("run --http 127.0.0.1:99999", USAGE),
    ("run --http foo", USAGE),
    ("run --workers 0", USAGE),
    ("run --workers -1", USAGE),
    ("run --workers 10000", USAGE),
    ("run --transport ampq://mq", USAGE),
    ("run --transport amqp://mq --store mysql://db/x", USAGE),
    ("topology plan", USAGE),
    ("topology plan --transport amqp://mq:0", USAGE),
    ("topology export --transport foo", USAGE),
    ("status --state bad.bin", USAGE),
    ("doctor --state /dev/null/x", FAILED),
    ("trace", USAGE),
    ("trace nope", USAGE),
    ("trace =", USAGE),
    ("trace 1001 store=", USAGE),
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
    (f"work replay ab -r {'x' * 2001}", USAGE),
    (f"work resolve ab -r {'x' * 2001}", USAGE),
    (f"work discard ab -r x --actor {'x' * 201}", USAGE),
    (f"apply -r {'x' * 2001}", USAGE),
    (f"apply --author {'x' * 201}", USAGE),
    (f"rollback 1 -r {'x' * 2001}", USAGE),
    (f"trace {'x' * 1001}", USAGE),
    (f"work list --owner {'x' * 1001}", USAGE),
    ("work resolve ab -r ' '", USAGE),
    ("work discard ab", USAGE),
    ("plan --state bad.bin", USAGE),
    ("plan nope", USAGE),
    ("apply --accept effect-chnaged", USAGE),
    ("apply --within 0", USAGE),
    ("apply --within 5", USAGE),
    ("rollback 1 --within 5", USAGE),
    ("schema --check --write", USAGE),
    ("schema route --write", USAGE),
    ("run --alone --workers 2", USAGE),
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


@pytest.mark.parametrize(("line", "code"), WRONG, ids=[line[:60] for line, _ in WRONG])
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
    ("name", "value", "told"),
    [
        ("SECRETS", "nowhere", "nowhere does not exist; correct TILLFLOW_SECRETS"),
        ("SECRETS", "bad.bin", "bad.bin is no folder of secrets"),
        ("ZONE", "a\nb", r"TILLFLOW_ZONE is 'a\nb'; a zone has"),
        ("CELL", "A b", "TILLFLOW_CELL is 'A b'; a name begins"),
        ("TOPOLOGY", "guess", "TILLFLOW_TOPOLOGY is 'guess'; it is one of manage, verify"),
        ("WATCH", "maybe", "TILLFLOW_WATCH is 'maybe'; it is yes or no"),
        ("HTTP", "foo", "'foo' is no address to listen at"),
        ("PROJECT", "nowhere", "nowhere holds no tillflow project: there is no such folder"),
        ("PROJECT", "mappings", "mappings holds no tillflow project: there is no folder routes/ in it"),
    ],
)
@pytest.mark.parametrize("command", ["validate", "run", "status"])
def test_a_wrong_setting_is_told_before_anything_else(
    tillflow: Tillflow, shop: Path, monkeypatch: pytest.MonkeyPatch, command: str, name: str, value: str, told: str
) -> None:
    monkeypatch.chdir(shop)
    monkeypatch.setenv(f"TILLFLOW_{name}", value)

    said = tillflow(command)

    assert said.code == USAGE
    assert said.err.startswith("error: ") and told in said.err and said.out == ""
    assert not (shop / ".tillflow").exists()


@pytest.mark.parametrize("options", [(), ("--alone",)])
def test_a_port_in_use_is_told_before_anything_starts(
    tillflow: Tillflow, shop: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: tuple[str, ...]
) -> None:
    monkeypatch.chdir(shop)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        said = tillflow("run", "--http", at, "--state", tmp_path, *options)

    assert said.code == USAGE
    assert said.err == (
        f"error: nothing can listen at {at} (--http): Address already in use; choose another port, or end what listens "
        "there\n"
    )
    assert not (tmp_path / "tillflow.db").exists()


def test_options_that_contradict_each_other_are_named(
    tillflow: Tillflow, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop)
    said = tillflow("work", "replay", "--all", "ab", "-r", "x")
    assert "ab and --all were both given" in said.err
    assert "give ids to replay these, or --all for every open one" in said.err


@pytest.mark.parametrize(
    "line",
    [
        "validate nope.yaml", "validate --nope", "validate --project nowhere", "fmt nope", "explain TF0000", "schema nope",
        "test -k zzz", "eval a missing.json", "dry-run nope good.json", "status", "trace ''", "work list --limit 0",
        "work show ab", "work edit ab -r x --file bad.bin", "work replay -r x", "work resolve a/b -r x", "plan --project x",
        "apply --accept nope", "history --limit 0", "diff 1 2", "rollback a/b", "connectors show nope", "new connector 'Bad Name'",
        "init routes", "topology plan", "topology export --transport foo", "work", "nope",
    ],
)  # fmt: skip
def test_what_was_asked_for_json_answers_json_whatever_happens(
    tillflow: Tillflow, shop: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.chdir(shop)

    said = tillflow(*shlex.split(line), "--format", "json")

    assert said.code in (FAILED, USAGE)
    told = said.json["error"]
    assert told["exit_code"] == said.code and told["text"].strip()
    assert said.err.strip(), "people are told too"


@pytest.mark.parametrize(
    "command",
    ["validate", "fmt", "explain", "schema", "test", "eval", "dry-run", "status", "doctor", "trace", "demo", "init",
     "plan", "apply", "history", "diff", "rollback",
     "work list", "work show", "work edit", "work replay", "work resolve", "work discard",
     "connectors list", "connectors show", "new connector",
     "topology plan", "topology apply", "topology verify", "topology export"],
)  # fmt: skip
def test_every_command_that_answers_has_a_json_form(tillflow: Tillflow, command: str) -> None:
    said = tillflow(*command.split(), "--help")

    assert said.code == 0
    assert "--format" in said.out


def test_exit_codes_stand_in_the_help(tillflow: Tillflow) -> None:
    assert "Exit codes: 0 done" in " ".join(tillflow("--help").out.split())


def test_a_full_disk_is_no_wrong_use(tillflow: Tillflow, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A parent gives up on wrong use; what passes is tried again."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "state/engine.sock")

    monkeypatch.setattr(projects.Settings, "read", full)
    said = tillflow("status", "--project", project)

    assert said.code == Exit.UNREACHABLE
    assert "state/engine.sock: No space left on device" in said.err


@pytest.mark.parametrize("ran", [False, True])
@pytest.mark.parametrize(
    "line", ["rollback abc", "rollback 99", "diff 1 99", "work show abc", "work resolve abc -r x", "work edit ab -r x"]
)
def test_what_is_not_there_is_a_name_that_cannot_be_used(
    tillflow: Tillflow, project: Path, monkeypatch: pytest.MonkeyPatch, line: str, ran: bool
) -> None:
    monkeypatch.chdir(project)
    if ran:
        assert tillflow("apply").code == 0
    assert tillflow(*shlex.split(line)).code == USAGE


@pytest.mark.parametrize(
    "command",
    [
        "work list",
        "work show 0123",
        "work edit 0123 --reason because --file good.json",
        "work replay 0123 --reason because",
        "work replay --all --yes --reason because",
        "work resolve 0123 --reason because",
        "work discard 0123 --reason because",
        "trace receipt=1",
        "status",
        "history",
        "diff 1 2",
    ],
)
def test_where_nothing_ran_it_is_said_and_nothing_is_made(tillflow: Tillflow, project: Path, command: str) -> None:
    said = tillflow(*command.split(), "--project", project)
    assert said.code == USAGE and "the engine has not run with this state folder yet" in said.err
    assert not (project / ".tillflow").exists()


def test_there_is_nothing_to_go_back_to_where_nothing_ran(tillflow: Tillflow, project: Path) -> None:
    said = tillflow("rollback", "1", "--project", project)
    assert said.code == USAGE and "nothing ran with" in said.err
    assert not (project / ".tillflow/tillflow.db").exists()

"""doctor: what it asks, what it says of it, and that it makes nothing."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from engine.backends.sqlite import SqliteDatabase
from engine.backends.sqlite.schema import known
from engine.core.clock import SystemClock
from tests.cli.conftest import Said, Tillflow


def names(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def detail(said: Said, check: str) -> tuple[bool, str]:
    """Whether it is well, and what is said of it."""
    (found,) = [one for one in said.json["checks"] if one["check"].startswith(check)]
    return found["ok"], found["detail"]


@pytest.fixture
def database(project: Path) -> Path:
    """What an engine leaves behind that was stopped."""
    path = project / ".tillflow" / "tillflow.db"

    async def make() -> None:
        made = SqliteDatabase(path, SystemClock())
        await made.open()
        await made.close()

    asyncio.run(make())
    return path


def test_a_look_makes_nothing(tillflow: Tillflow, project: Path) -> None:
    before = names(project)
    assert tillflow("doctor", "--project", project).code == 0
    assert names(project) == before


def test_a_look_at_a_database_leaves_nothing_beside_it(tillflow: Tillflow, project: Path, database: Path) -> None:
    before, content = names(database.parent), database.read_bytes()
    said = tillflow("doctor", "--project", project, "--format", "json")
    assert said.code == 0
    assert detail(said, "database") == (True, f"every page can be read, schema {known()[-1].number}")
    assert names(database.parent) - before <= {database.parent / "version.key"}
    assert database.read_bytes() == content


@pytest.mark.parametrize("bytes_from", [0, 5000])
def test_a_damaged_database_is_one_sentence_and_one_code(
    tillflow: Tillflow, project: Path, database: Path, bytes_from: int
) -> None:
    with database.open("r+b") as file:
        file.seek(bytes_from)
        file.write(b"not a page " * 2000)
    said = tillflow("doctor", "--project", project, "--format", "json")
    well, told = detail(said, "database")
    assert said.code == 1 and not well
    assert "is damaged" in told and "keep a copy of the folder" in told and "what waited in it is lost" in told


def test_commands_agree_about_a_damaged_database(tillflow: Tillflow, project: Path, database: Path) -> None:
    database.write_bytes(b"not a database " * 1000)
    for command in (("run", "--alone"), ("status",), ("work", "list"), ("trace", "receipt=1"), ("history",)):
        said = tillflow(*command, "--project", project)
        assert said.code == 4, said
        assert "is damaged" in said.err and "keep a copy of the folder" in said.err


def test_an_empty_database_is_none_for_everybody(tillflow: Tillflow, project: Path, database: Path) -> None:
    database.write_bytes(b"")
    said = tillflow("status", "--project", project)
    assert said.code == 2 and "has not run with this state folder yet" in said.err
    said = tillflow("doctor", "--project", project, "--format", "json")
    assert detail(said, "database") == (True, "there is none yet; the engine makes it when it starts")


def test_a_connection_is_asked(tillflow: Tillflow, project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        ports = {"there": listening.getsockname()[1], "gone": silent.getsockname()[1]}
        connections = "".join(
            f"  {name}: {{connector: core.http, url: 'http://127.0.0.1:{port}', allow_private: true}}\n"
            for name, port in ports.items()
        )
        file = project / "routes/connections.yaml"
        file.write_text(file.read_text("utf-8") + connections, "utf-8")
        said = tillflow("doctor", "--project", project, "--format", "json")
    assert said.code == 1
    well, told = detail(said, "connection there")
    assert well and told.endswith("takes connections; no request was sent")
    well, told = detail(said, "connection gone")
    assert not well and "takes no connection" in told


def test_doctor_says_what_is_wrong(tillflow: Tillflow, project: Path) -> None:
    assert tillflow("doctor", "--project", project).code == 0

    (project / "routes/connections.yaml").write_text(
        "tillflow: 1\nconnections:\n  tills: {connector: core.files, directory: /dev/null/x}\n"
        "  office: {connector: core.files, directory: data/posted}\n",
        "utf-8",
    )
    said = tillflow("doctor", "--project", project, "--format", "json")

    assert said.code == 1
    (tills,) = [check for check in said.json["checks"] if check["check"] == "connection tills"]
    assert not tills["ok"] and "/dev/null is not a folder" in tills["detail"]


def test_doctor_warns_of_a_secret_that_everybody_can_read(
    tillflow: Tillflow, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project / "secrets"
    folder.mkdir()
    for name, mode in (("open", 0o644), ("closed", 0o600)):
        (folder / name).write_text("x", "utf-8")
        (folder / name).chmod(mode)
    monkeypatch.setenv("TILLFLOW_SECRETS", str(folder))

    said = tillflow("doctor", "--project", project, "--format", "json")

    assert said.code == 0
    (warning,) = [check for check in said.json["checks"] if check["warning"]]
    assert warning["check"] == "secrets" and str(folder / "open") in warning["detail"]


def test_a_table_that_is_missing_is_a_warning_with_its_name(tillflow: Tillflow, project: Path) -> None:
    connections = project / "routes" / "connections.yaml"
    text = connections.read_text("utf-8")
    connections.write_text(f"{text}  club: {{connector: core.sql, url: sqlite:///{project}/club.db}}\n", "utf-8")
    route = project / "routes" / "post-sales.yaml"
    sink = (
        "  - {id: club, use: core.sql, connection: club, action: insert, with: {table: {const: postings}, row: '@'}}\n"
    )
    route.write_text(route.read_text("utf-8") + sink, "utf-8")

    said = tillflow("doctor", "--project", project, "--format", "json")

    (found,) = [one for one in said.json["checks"] if one["check"] == "connection club"]
    assert found["warning"] and "there is no table postings: make it" in found["detail"], found
    assert not (project / "club.db").exists()


def test_rights_are_not_asked_where_the_broker_is_not_reached(
    tillflow: Tillflow, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as silent:  # bound, and nobody listens
        silent.bind(("127.0.0.1", 0))
        monkeypatch.setenv("TILLFLOW_TRANSPORT", f"amqp://till@127.0.0.1:{silent.getsockname()[1]}/shop")
        said = tillflow("doctor", "--project", project, "--format", "json")
    assert detail(said, "transport")[0] is False
    assert detail(said, "rights") == (False, "not asked: the broker is not reached")


PACK = "tillflow: 1\npack: {code}\nlayer: country\nfor: {{country: {country}}}\nowner: compliance\nresidency: {zone}\n"


@pytest.mark.parametrize(
    ("here", "warns", "told"),
    [
        ("eu", False, "eu, as every region with a residency wants it"),
        ("", True, "set TILLFLOW_ZONE"),
        ("us", True, "events of de, es become work items `residency`, here: give them an engine in eu"),
    ],
)
def test_where_the_engine_stands_is_held_against_where_data_must_stay(
    tillflow: Tillflow, project: Path, monkeypatch: pytest.MonkeyPatch, here: str, warns: bool, told: str
) -> None:
    assert "zone" not in [
        one["check"] for one in tillflow("doctor", "--project", project, "--format", "json").json["checks"]
    ]
    for code in ("de", "es"):
        folder = project / "routes" / "regions" / code
        folder.mkdir(parents=True)
        (folder / "pack.yaml").write_text(PACK.format(code=code, country=code.upper(), zone="eu"), "utf-8")
    monkeypatch.setenv("TILLFLOW_ZONE", here)
    checks = tillflow("doctor", "--project", project, "--format", "json").json["checks"]
    (found,) = [one for one in checks if one["check"] == "zone"]
    assert (found["ok"], found["warning"]) == (True, warns) and told in found["detail"]

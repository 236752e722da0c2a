"""Which transport and store go together, and what is said of those that do not. A password is never told."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import SettingsError
from engine.loading import secrets_of
from engine.settings import Settings, where
from engine.settings.checks import check_secrets, make_state

AMQP, POSTGRES = "amqp://tills:geheim@mq:5672/shop", "postgresql://tills:geheim@db:5432/shop"


def read(**environ: str) -> Settings:
    return Settings.read({f"TILLFLOW_{name.upper()}": value for name, value in environ.items()}, Path("/shop"))


def refused(**environ: str) -> str:
    with pytest.raises(SettingsError) as error:
        read(**environ)
    assert "geheim" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("transport", "store", "workers"),
    [("sqlite", "sqlite", "1"), (AMQP, "sqlite", "1"), (AMQP, POSTGRES, "1"), (AMQP, POSTGRES, "8")],
)
def test_what_goes_together(transport: str, store: str, workers: str) -> None:
    settings = read(transport=transport, store=store, workers=workers)
    assert (settings.transport, settings.store, settings.workers) == (transport, store, int(workers))
    assert settings.embedded is (store == transport == "sqlite")
    assert "geheim" not in repr(settings)


def test_an_argument_wins_over_the_environment() -> None:
    settings = Settings.read({"TILLFLOW_STORE": "sqlite"}, Path("/shop"), transport=AMQP, store=POSTGRES, workers=2)
    assert (settings.transport, settings.store, settings.workers) == (AMQP, POSTGRES, 2)


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"store": POSTGRES}, "SQLite transport belongs to one process of one host"),
        ({"transport": AMQP, "workers": "2"}, "2 workers need a store that several processes can share"),
        ({"workers": "2"}, "2 workers need a store that several processes can share"),
        ({"transport": AMQP, "store": POSTGRES, "workers": "0"}, "0 workers are not possible"),
        ({"workers": "many"}, "TILLFLOW_WORKERS is 'many'; it is a whole number"),
        ({"transport": "rabbitmq"}, "cannot be 'rabbitmq'; it is `sqlite`, or the address of a RabbitMQ"),
        ({"transport": "tills:geheim@mq"}, "cannot be what was given; it is"),
        ({"transport": POSTGRES}, "the transport (--transport or TILLFLOW_TRANSPORT) cannot begin with 'postgresql'"),
        ({"transport": AMQP, "store": "mysql://tills:geheim@db/shop"}, "cannot begin with 'mysql'"),
        ({"transport": AMQP.replace("5672", "fast")}, "is no address: host or port are not right"),
        ({"topology": "guess"}, "TILLFLOW_TOPOLOGY is 'guess'; it is one of manage, verify"),
        ({"watch": "maybe"}, "TILLFLOW_WATCH is 'maybe'; it is yes or no"),
        ({"cell": "A-b"}, "TILLFLOW_CELL is 'A-b'; a name begins with a lower case letter"),
        ({"cell": "a" * 200}, "aaa...'; a name begins with a lower case letter"),
        ({"zone": "eu\nwest"}, r"TILLFLOW_ZONE is 'eu\nwest'; a zone has at most 63 letters"),
        ({"zone": "\x1b[31meu"}, r"TILLFLOW_ZONE is '\x1b[31meu'; a zone has"),
        ({"zone": " "}, "TILLFLOW_ZONE is ' '; a zone has"),
        ({"worker": "0"}, "TILLFLOW_WORKER is 0; `tillflow run` sets it for the workers it starts, from 1 to 64"),
        ({"worker": "65"}, "TILLFLOW_WORKER is 65"),
        ({"workers": "-1"}, "TILLFLOW_WORKERS is '-1'; it is a whole number from 1 to 64"),
        ({"workers": "10000"}, "10000 workers are not possible; choose 1 to 64"),
        (
            {"http": "127.0.0.1:99999"},
            "'127.0.0.1:99999' is no address to listen at (--http or TILLFLOW_HTTP): ports end",
        ),
        ({"http": "foo"}, "'foo' is no address to listen at"),
        ({"http": "\n:80"}, r"'\n:80' is no address to listen at"),
        ({"transport": AMQP, "store": POSTGRES, "workers": "2", "http": "x:65535"}, "and 2 workers need one each"),
        ({"transport": "amqp://"}, "the transport (--transport or TILLFLOW_TRANSPORT) is no address"),
        ({"transport": "amqp://:5672"}, "is no address: host or port are not right"),
        ({"transport": "amqp://mq:0/"}, "is no address: host or port are not right"),
        ({"transport": "amqp://mq:99999/"}, "is no address: host or port are not right"),
        ({"transport": AMQP + "/more"}, "names a vhost with a / in it; write that one as %2F"),
        ({"transport": AMQP + "\n"}, "there is a space or a control character in it"),
        ({"transport": AMQP, "store": "postgresql://"}, "the store (--store or TILLFLOW_STORE) is no address"),
        ({"transport": AMQP, "store": "postgresql://db:99999/shop"}, "is no address: host or port are not right"),
    ],
)
def test_what_does_not_is_told(environ: dict[str, str], told: str) -> None:
    assert told in refused(**environ)


@pytest.mark.parametrize("store", ["postgresql:///shop", "postgresql://?host=/run/postgresql", "postgres://db"])
def test_a_database_at_a_socket_or_by_its_name_alone_is_one(store: str) -> None:
    assert read(transport=AMQP, store=store).store == store


@pytest.mark.parametrize("zone", ["", "eu", "eu-west.1", "EU_2"])
def test_names_of_zones(zone: str) -> None:
    assert read(zone=zone).zone == zone


def test_a_folder_of_secrets_is_there_and_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.touch()
    check_secrets(None)
    check_secrets(tmp_path)
    with pytest.raises(SettingsError, match="none does not exist; correct TILLFLOW_SECRETS, or unset it"):
        check_secrets(tmp_path / "none")
    with pytest.raises(SettingsError, match="is no folder of secrets"):
        check_secrets(file)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(SettingsError, match="cannot be read; give the right to"):
        check_secrets(tmp_path)


def test_a_state_folder_can_be_made_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    make_state(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    with pytest.raises(SettingsError, match="file cannot be made: a file has this name; choose another with --state"):
        make_state(tmp_path / "file")
    with pytest.raises(SettingsError, match="cannot be made: Not a directory"):
        make_state(tmp_path / "file" / "x")
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(SettingsError, match="nothing may be written in the state folder"):
        make_state(tmp_path)


def test_a_state_folder_of_somebody_else_keeps_nobody_from_checking_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("engine.loading.version_key", refused)
    settings, environ = Settings(tmp_path, tmp_path), {"TILLFLOW_SECRET_BANK": "geheim"}
    with pytest.raises(SettingsError, match=r"version\.key cannot be read or made: Permission denied"):
        secrets_of(settings, environ)
    monkeypatch.setattr("os.access", lambda *_: False)
    assert secrets_of(settings, environ).get("bank").reveal() == "geheim"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("sqlite", "sqlite"),
        (AMQP, "amqp://tills@mq:5672/shop"),
        (POSTGRES + "?password=geheim", "postgresql://tills@db:5432/shop"),
        ("amqp://mq/", "amqp://mq/"),
        ("postgresql://tills:ge:he@im@db/shop", "postgresql://tills@db/shop"),
    ],
)
def test_an_address_is_shown_without_its_password(address: str, shown: str) -> None:
    assert where(address) == shown


def test_hosts_that_share_a_store_see_the_same_version_of_a_secret(tmp_path: Path) -> None:
    def version(host: str, **services: str) -> str:
        state = tmp_path / host
        state.mkdir(exist_ok=True)
        settings = Settings(tmp_path, state, **services)  # type: ignore[arg-type]
        return secrets_of(settings, {"TILLFLOW_SECRET_BANK": "geheim"}).get("bank").version

    shared = {"transport": AMQP, "store": POSTGRES}
    assert version("a", **shared) == version("b", **shared)
    assert version("a") != version("b")
    assert version("a") == version("a")


def test_every_worker_has_a_socket_of_its_own(tmp_path: Path) -> None:
    for state in (tmp_path, tmp_path / ("long" * 30)):
        sockets = [Settings(tmp_path, state, AMQP, POSTGRES, worker=number).socket for number in (1, 2, 3)]
        assert len(set(sockets)) == 3 and all(len(str(socket)) <= 107 for socket in sockets)
        assert sockets == Settings(tmp_path, state).sockets()[:3]

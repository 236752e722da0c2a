"""Which transport and store go together, and what is said of those that do not. A password is never told."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import SettingsError
from engine.loading import secrets_of
from engine.settings import Settings, where

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
    ],
)
def test_what_does_not_is_told(environ: dict[str, str], told: str) -> None:
    assert told in refused(**environ)


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

"""A RabbitMQ for tests: one vhost for the whole run, and names of its own for each test.

TILLFLOW_TEST_RABBITMQ names the broker, TILLFLOW_TEST_RABBITMQCTL the command that steers it. Only tests steer a
broker; the engine never does.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
from yarl import URL

from engine.backends.rabbitmq import Names, Patience, RabbitTransport
from engine.backends.rabbitmq.admin import permissions
from engine.core.clock import Clock, SystemClock

USUAL = "amqp://guest:guest@127.0.0.1:5672/"


@dataclass(frozen=True)
class Broker:
    """`url` is that of the run's vhost; `ctl` is the command line that steers the broker, empty when there is none."""

    url: str
    ctl: tuple[str, ...]

    @property
    def vhost(self) -> str:
        return URL(self.url).path.removeprefix("/") or "/"

    def steer(self, *arguments: str, given: str = "") -> str:
        """Run rabbitmqctl, with `given` to read. Skips where there is none."""
        if not self.ctl:
            _without("no rabbitmqctl for this broker; set TILLFLOW_TEST_RABBITMQCTL")
        command = [*self.ctl, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120, input=given).stdout

    def close_connections(self) -> None:
        """Close every connection into the vhost, as an operator would."""
        self.steer("close_all_connections", "--vhost", self.vhost, "closed by a test")


@cache
def broker() -> Broker:
    """The broker of this run. Skips where there is none, and fails in CI."""
    named = os.environ.get("TILLFLOW_TEST_RABBITMQ", "")
    url = URL(named or USUAL)
    if not _answers(url):
        _without("no RabbitMQ: run through `docker/services.sh run`, or set TILLFLOW_TEST_RABBITMQ")
    ctl = _ctl(usual=not named or url.with_path("/") == URL(USUAL))
    if not ctl:
        return Broker(str(url), ())
    made = Broker(str(url.with_path(f"/{RUN}{os.getpid()}")), ctl)
    _make_vhost(made, url.user or "guest")
    return made


@cache
def _ctl(*, usual: bool) -> tuple[str, ...]:
    named = os.environ.get("TILLFLOW_TEST_RABBITMQCTL", "")
    if named:
        return tuple(shlex.split(named))
    return ("rabbitmqctl",) if usual and shutil.which("rabbitmqctl") else ()


RUN = "tillflow-test-"  # and the pid of the run: the name of its vhost


def _make_vhost(made: Broker, user: str) -> None:
    _sweep(made)
    made.steer("add_vhost", made.vhost)
    atexit.register(made.steer, "delete_vhost", made.vhost)
    made.steer("set_permissions", "--vhost", made.vhost, user, ".*", ".*", ".*")


def _sweep(made: Broker) -> None:
    """Delete the vhosts of runs that were killed: their queues hold the file handles this run needs."""
    for name in made.steer("--quiet", "list_vhosts", "name").split():
        if name.startswith(RUN) and not _lives(int(name.removeprefix(RUN))):
            made.steer("delete_vhost", name)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def turn(*, alone: bool) -> Iterator[None]:
    """A test's time with the broker. An alarm stops every publisher of a broker, so a test that raises one has it
    alone, among all processes of this machine; who waits for that keeps newcomers out.
    """
    folder = Path(tempfile.gettempdir())
    door, room = (folder / f"tillflow-broker-{name}-{os.getuid()}" for name in ("door", "room"))
    with _locked(door, fcntl.LOCK_EX) as entered, _locked(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH):
        fcntl.flock(entered, fcntl.LOCK_UN)
        yield


@contextmanager
def _locked(path: Path, how: int) -> Iterator[int]:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, how)
        yield file
    finally:
        os.close(file)


def _answers(url: URL) -> bool:
    try:
        socket.create_connection((url.host or "127.0.0.1", url.port or 5672), timeout=3).close()
    except OSError:
        return False
    return True


def _without(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


_given: list[str] = []  # names whose queues are still there
# Tests after which their queues are deleted. Each is about ten quorum queues, each of those two of the 900 file handles
# that a broker started with the usual limit has; without one it answers nobody. A command of the broker's costs half a
# second, so not after each test.
MANY = 8


def fresh_names() -> Names:
    """Names nobody else uses, for one test."""
    names = Names(f"t{uuid4().hex[:10]}")
    done_with(names.prefix)
    return names


def done_with(name: str) -> None:
    """What was made under this name goes, after this test or some later one."""
    _given.append(name)


def tidy() -> None:
    """Between two tests, now and then: a broker takes only so many quorum queues, each reserves file handles."""
    made = broker() if len(_given) >= MANY else None
    if made is None or not made.ctl:
        return
    prefixes = ", ".join(f'<<"{name}.">>' for name in _given)
    made.steer(
        "eval",
        f"Done = [{prefixes}], "
        "Named = fun(Q) -> {resource, _, _, Name} = amqqueue:get_name(Q), "
        "lists:any(fun(P) -> binary:longest_common_prefix([P, Name]) =:= byte_size(P) end, Done) end, "
        f'[rabbit_amqqueue:delete(Q, false, false, <<"tests">>) || Q <- rabbit_amqqueue:list(<<"{made.vhost}">>), '
        "Named(Q)], ok.",
    )
    _given.clear()


def transport(names: Names, clock: Clock | None = None, **more: object) -> RabbitTransport:
    """A transport over these names, not yet opened, that gives up soon."""
    patience = Patience(connect=3.0, blocked=1.0, confirm=10.0)
    options = {"patience": patience, **more}
    return RabbitTransport(broker().url, clock or SystemClock(), names=names, **options)  # type: ignore[arg-type]


@cache
def user_of(role: str) -> str:
    """The address of a user with the permissions of a role, over the names of every test. One for the whole run."""
    user = f"tillflow-test-{os.getpid()}-{role}"
    broker().steer("add_user", user, "verify")
    atexit.register(broker().steer, "delete_user", user)
    given = permissions(Names("PREFIX"))[role]
    regexes = [part.replace("PREFIX", "t[0-9a-f]{10}") for part in (given.configure, given.write, given.read)]
    broker().steer("set_permissions", "--vhost", broker().vhost, user, *regexes)
    return str(URL(broker().url).with_user(user).with_password("verify"))

"""topology: plan, apply, verify and export against a real broker, and what is said where there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.backends.rabbitmq import Names
from engine.ports.transport import Address
from tests.cli.conftest import Tillflow
from tests.cli.test_changing import Shop
from tests.cli.test_restarts import running, until
from tests.rabbitmq_broker import broker, fresh_names, user_of


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Names of this test; the broker of the run is the transport."""
    made = fresh_names()
    monkeypatch.setenv("TILLFLOW_TRANSPORT", broker().url)
    monkeypatch.setenv("TILLFLOW_CELL", made.prefix)
    return made


@pytest.mark.services
def test_a_topology_is_planned_made_and_found(tillflow: Tillflow, project: Path, names: Names) -> None:
    ask = ("--project", project, "--format", "json")
    # given nothing there
    planned = tillflow("topology", "plan", *ask)
    assert planned.code == 3
    assert {step["state"] for step in planned.json["steps"]} == {"missing"}
    missing = tillflow("topology", "verify", *ask)
    assert missing.code == 1
    assert all("`tillflow topology apply`" in step["text"] for step in missing.json["steps"])
    # when
    assert tillflow("topology", "apply", *ask).json["counts"]["made"] == len(planned.json["steps"])
    # then
    for verb in ("plan", "verify", "apply"):
        again = tillflow("topology", verb, *ask)
        assert (again.code, again.json["counts"]["there"]) == (0, len(planned.json["steps"]))


@pytest.mark.services
def test_the_exported_file_makes_what_apply_makes(tillflow: Tillflow, project: Path, names: Names) -> None:
    written = tillflow("topology", "export", "--project", project)
    broker().steer("import_definitions", given=json.dumps(written.json))
    assert tillflow("topology", "verify", "--project", project).code == 0


@pytest.mark.services
def test_what_differs_is_told_with_what_to_do(tillflow: Tillflow, project: Path, names: Names) -> None:
    # given a queue made by somebody else
    written = tillflow("topology", "export", "--project", project).json
    stranger = next(queue for queue in written["queues"] if ".q.route." in queue["name"])
    stranger["arguments"]["x-delivery-limit"] = 20
    broker().steer("import_definitions", given=json.dumps({"queues": [stranger]}))
    # then neither plan nor apply passes it over
    for verb in ("plan", "apply"):
        said = tillflow("topology", verb, "--project", project)
        assert said.code == 1
        assert "exists with x-delivery-limit = 20; this version needs 1000" in said.out


def test_users_are_written_down_with_what_each_may_do(tillflow: Tillflow, project: Path) -> None:
    ask = ("topology", "export", "--users", "--project", project, "--transport", "amqp://x:hidden@h/cell%2Fa")
    told = tillflow(*ask).json
    assert told["vhost"] == "cell/a"
    assert {one["user"]: one["configure"] for one in told["users"]} == {
        "tillflow-admin": r"^tf\..*",
        "tillflow-engine": "^$",
        "tillflow-source": "^$",
    }
    said = tillflow(*ask, "--format", "human").out
    assert r"rabbitmqctl set_permissions --vhost 'cell/a' tillflow-source '^$' '^tf\.events$' '^$'" in said
    assert "hidden" not in said


def test_without_a_broker_it_says_what_to_give(tillflow: Tillflow, project: Path) -> None:
    said = tillflow("topology", "plan", "--project", project)
    assert said.code == 2
    assert "--transport amqp://" in said.err
    away = tillflow("topology", "plan", "--project", project, "--transport", "amqp://guest:hidden@127.0.0.1:1/")
    assert away.code == 4
    assert "cannot be reached" in away.err
    assert "hidden" not in away.err + away.out


@pytest.mark.services
def test_the_doctor_proves_that_an_engine_which_verifies_may_change_nothing(
    tillflow: Tillflow, project: Path, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rights() -> tuple[bool, str]:
        checks = tillflow("doctor", "--project", project, "--format", "json").json["checks"]
        return next((one["ok"], one["detail"]) for one in checks if one["check"].startswith("rights at"))

    # given what an operator made, and an engine that makes its queues itself
    assert tillflow("topology", "apply", "--project", project).code == 0
    assert rights() == (
        True,
        "the engine makes its queues itself (TILLFLOW_TOPOLOGY=manage), so its user may configure",
    )
    # when it should only look, as a user who may do everything
    monkeypatch.setenv("TILLFLOW_TOPOLOGY", "verify")
    well, detail = rights()
    # then that is a failure that names each thing
    assert not well
    assert "may make a queue, make an exchange, delete a queue, delete an exchange" in detail
    # and as the user who is meant for it, all is well
    monkeypatch.setenv("TILLFLOW_TRANSPORT", user_of("engine"))
    well, detail = rights()
    assert well and "refused" in detail
    assert tillflow("topology", "verify", "--project", project).code == 0


NEW = """tillflow: 1
route: refunds
version: 1.0.0
owner: finance
class: process
criticality: operational
from: {event: sale.completed@1}
to:
  - {id: out, use: core.files, connection: office, action: write, with: {name: "join('', [receipt, '.refund'])"}}
"""


@pytest.mark.services
def test_an_edit_waits_for_a_queue_that_the_engine_may_not_make(
    tillflow: Tillflow, project: Path, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given an engine that verifies, on what an operator made
    shop, operator = Shop(tillflow, project), broker().url
    shop("topology", "apply")
    monkeypatch.setenv("TILLFLOW_TOPOLOGY", "verify")
    monkeypatch.setenv("TILLFLOW_TRANSPORT", user_of("engine"))
    with running(shop):
        until(lambda: (project / "data/posted/2026-03-14-0012-03-1001.json").exists())
        # when a route comes that needs a queue of its own
        (project / "routes/refunds.yaml").write_text(NEW, "utf-8")
        until(lambda: shop.last_error() != "")
        # then it says which, and what runs goes on
        queue = names.queue(Address("route", "refunds"))
        assert f"the queue `{queue}` is missing; run `tillflow topology apply`" in shop.last_error()
        assert "next try at" in shop("status").out
        until(shop.sells("2001").exists)
        assert [(number, state) for number, state, _ in shop.history()] == [(2, "rejected"), (1, "active")]
        # and once it is made, the edit is taken by itself
        monkeypatch.setenv("TILLFLOW_TOPOLOGY", "manage")
        monkeypatch.setenv("TILLFLOW_TRANSPORT", operator)
        shop("topology", "apply")
        monkeypatch.setenv("TILLFLOW_TOPOLOGY", "verify")
        monkeypatch.setenv("TILLFLOW_TRANSPORT", user_of("engine"))
        until(lambda: shop.history()[0][:2] == (2, "active"))
        assert shop.last_error() == ""

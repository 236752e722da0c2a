"""Revisions over HTTP: what is refused before anything is asked of the engine, and what reaches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from engine.console import PREFIX
from engine.console.api import make_app
from engine.console.revisions import RevisionVerbs
from engine.core.errors import Permanent
from engine.core.jsonx import encode
from engine.settings import Settings

SETTINGS = Settings(Path("/shop"), Path("/shop/.tillflow"), zone="eu")
WHO = {"actor": "ana", "reason": "refunds"}


class Reload:
    """Notes what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def read(self) -> str:
        return "the files"

    async def plan(self, wanted: str) -> dict[str, Any]:
        self.asked.append(("plan", wanted))
        return {"changes": []}

    async def apply(self, *given: Any) -> dict[str, Any]:
        self.asked.append(("apply", *given))
        return {"state": "active"}

    async def rollback(self, *given: Any) -> dict[str, Any]:
        self.asked.append(("rollback", *given))
        raise Permanent("no-such-revision", "`9`: there is no such revision")


class Unasked:
    """A Control whose verbs nobody asks for."""

    def __getattr__(self, name: str) -> Any:
        return name


def post(path: str, body: Mapping[str, Any], reload: Reload) -> httpx.Response:
    async def asked() -> httpx.Response:
        app = make_app(Unasked(), RevisionVerbs(reload, SETTINGS))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://engine") as client:
            return await client.post(PREFIX + path, content=encode(body))

    return anyio.run(asked)


def test_what_is_meant_reaches_the_engine() -> None:
    reload = Reload()
    body = {**WHO, "project": "/shop", "settings": SETTINGS.started_with(), "accept": ["key-changed"]}

    assert post("/revisions/plan", {"project": "/shop"}, reload).status_code == 200
    assert post("/revisions/apply", body, reload).status_code == 200
    assert post("/revisions/9/rollback", WHO, reload).status_code == 404
    assert reload.asked == [
        ("plan", "the files"),
        ("apply", "the files", "ana", "refunds", ("key-changed",)),
        ("rollback", "9", "ana", "refunds"),
    ]


@pytest.mark.parametrize("path", ["/revisions/plan", "/revisions/apply", "/revisions/1/rollback"])
def test_other_settings_and_another_project_are_refused(path: str) -> None:
    reload = Reload()
    others = replace(SETTINGS, zone="us", transport="amqp://tills:geheim@mq/shop").started_with()

    settings = post(path, {**WHO, "settings": others}, reload)
    project = post(path, {**WHO, "project": "/elsewhere"}, reload)

    assert (settings.status_code, project.status_code) == (409, 409)
    told = settings.json()["error"]
    assert told["reason"] == "not-reloadable" and "TILLFLOW_TRANSPORT, TILLFLOW_ZONE" in told["detail"]
    assert "geheim" not in settings.text and "geheim" not in str(others)
    assert project.json()["error"]["reason"] == "other-project" and "/shop" in project.text
    assert reload.asked == []


OTHERS: dict[str, Any] = {
    "transport": "amqp://tills:geheim@mq/shop",
    "store": "postgresql://tills:geheim@db/shop",
    "secrets": Path("/run/secrets"),
    "zone": "us",
    "workers": 3,
    "topology": "verify",
    "cell": "another",
    "http": "127.0.0.1:9464",
    "watch": False,
}


@pytest.mark.parametrize("name", OTHERS)
def test_each_setting_that_cannot_be_reloaded_is_refused_by_name(name: str) -> None:
    reload = Reload()
    variable = f"TILLFLOW_{name.upper()}"
    meant = replace(SETTINGS, **{name: OTHERS[name]}).started_with({variable: str(OTHERS[name])})

    answer = post("/revisions/apply", {**WHO, "settings": meant}, reload)

    assert answer.status_code == 409 and list(meant) == [variable]
    assert answer.json()["error"]["detail"].startswith(f"{variable}: not what the engine was started with")
    assert "Stop the engine and start it again" in answer.text and "geheim" not in answer.text
    assert reload.asked == []


def test_every_setting_is_one_that_cannot_be_reloaded_or_says_which_engine_is_meant_or_how_it_writes() -> None:
    assert {field.name for field in fields(Settings)} == {*OTHERS, "project", "state", "worker", "log_format"}


def test_files_that_cannot_be_read_are_no_failure_of_who_asks_how_things_are() -> None:
    class Blind(Reload):
        async def files(self) -> dict[str, Any]:
            raise Permanent("no-project", "this process does not read a project")

    async def asked() -> httpx.Response:
        app = make_app(Unasked(), RevisionVerbs(Blind(), SETTINGS))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://engine") as client:
            return await client.get(f"{PREFIX}/revisions/files")

    told = anyio.run(asked)

    assert told.status_code == 200
    assert told.json()["differ"] is None and "does not read a project" in told.json()["why"]


@pytest.mark.parametrize(
    "body", [{}, {"actor": "ana"}, {**WHO, "reason": " "}, {**WHO, "accept": "key-changed"}, {**WHO, "accept": [1]}]
)
def test_an_apply_names_who_why_and_which_risks(body: dict[str, Any]) -> None:
    reload = Reload()

    assert post("/revisions/apply", body, reload).status_code == 400
    assert reload.asked == []


def test_only_settings_that_the_environment_has_are_compared() -> None:
    assert set(SETTINGS.started_with({"TILLFLOW_ZONE": "eu", "TILLFLOW_STATE": "/x"})) == {"TILLFLOW_ZONE"}

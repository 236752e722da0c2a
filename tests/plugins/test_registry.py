"""The Registry: what is installed, and plugins that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import sdk
from engine.discover import discover, in_entry_points
from engine.plugins.registry import Registry
from engine.plugins.spec import API
from engine.steps import BUILTIN
from tests.fixtures.standins import STANDINS, KlaviyoSink, TrytonSink


def test_components_are_found_by_kind_and_name() -> None:
    registry = Registry(STANDINS, BUILTIN)
    assert registry.sinks["erp.tryton"].target is TrytonSink
    assert set(registry.calls) == {"erp.tryton"}
    assert "map" in registry.steps and "erp.tryton" not in registry.steps
    assert registry.version("sink", "erp.tryton") == "erp.tryton@0"
    assert registry.version("step", "map") == "engine"


def test_two_plugins_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"two installed connectors are called erp\.tryton"):
        Registry([STANDINS[0], STANDINS[0]])
    with pytest.raises(ValueError, match=r"the sink saas\.klaviyo"):
        Registry([STANDINS[1], sdk.Connector("other", (KlaviyoSink,))])


def test_a_connector_for_another_api_is_known_and_not_used() -> None:
    old = sdk.Connector("erp.tryton", (TrytonSink,), api=API - 1)
    registry = Registry([old, STANDINS[1]])
    assert set(registry.sinks) == {"saas.klaviyo"}
    assert "written for plugin API" in registry.unusable("sink", "erp.tryton")
    assert registry.unusable("sink", "saas.klaviyo") == ""


def test_every_folder_under_connectors_is_found() -> None:
    registry = discover()
    assert {"core.files", "core.http", "core.sql", "pos.poslog"} <= set(registry.connectors)
    assert registry.broken == {} and registry.refused == {}


def test_a_plugin_that_cannot_be_imported_is_broken_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "stranger"
    (package / "good").mkdir(parents=True)
    (package / "bad").mkdir()
    (package / "__init__.py").write_text("")
    (package / "bad" / "__init__.py").write_text("import a_library_that_is_not_there\n")
    (package / "good" / "__init__.py").write_text(
        "from tests.fixtures.standins import KlaviyoSink\n"
        "from engine.sdk import Connector\n"
        "connector = Connector('saas.klaviyo', (KlaviyoSink,))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = discover("stranger", "no.such.group")
    assert set(registry.connectors) == {"saas.klaviyo"}
    assert "a_library_that_is_not_there" in registry.broken["bad"]


class Point:
    """An entry point of another package."""

    def __init__(self, name: str, found: object) -> None:
        self.name, self.value, self._found = name, f"package:{name}", found

    def load(self) -> object:
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


def test_entry_points_bring_connectors_or_reasons() -> None:
    points = [Point("good", STANDINS[0]), Point("wrong", 5), Point("bad", RuntimeError("no licence"))]
    found = dict(in_entry_points(points))  # type: ignore[arg-type]
    assert found["good"] is STANDINS[0]
    assert found["wrong"] == "package:wrong is not an engine.sdk.Connector"
    assert found["bad"] == "importing package:bad failed: RuntimeError: no licence"


def test_a_name_two_packages_bring_is_used_by_neither_and_what_is_shipped_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twin = sdk.Connector("erp.tryton", (TrytonSink,))
    mine = sdk.Connector("core.http", ())
    points = [Point("one", STANDINS[0]), Point("again", STANDINS[0]), Point("two", twin), Point("mine", mine)]
    monkeypatch.setattr("engine.discover.entry_points", lambda group: points)
    registry = discover()
    assert registry.connectors["core.http"] is not mine
    assert "erp.tryton" not in registry.sinks
    assert registry.broken["mine"] == "another installed plugin brings connector core.http too; uninstall or rename one"
    assert "connector erp.tryton too" in registry.broken["two"]


def test_a_connector_installed_twice_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [Point("one", STANDINS[0]), Point("again", STANDINS[0])]
    monkeypatch.setattr("engine.discover.entry_points", lambda group: points)
    registry = discover()
    assert "erp.tryton" in registry.sinks and registry.broken == {}

"""The reference and the editor schemas come from the plugins' own declarations."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from pydantic import Field

from engine import sdk
from engine.config.models import ConnectionsDoc, MappingDoc, RouteDoc, TablesDoc
from engine.config.project import read_project_from
from engine.core.jsonx import decode, encode
from engine.plugins.describe import fields_of, incomplete
from engine.plugins.reference import describe, listing, pages
from engine.plugins.registry import Registry
from engine.plugins.schema import file_schemas
from tests.compile.support import ENVIRONMENT, fixture_files, registry

SCHEMAS = {"route": RouteDoc, "connections": ConnectionsDoc, "tables": TablesDoc, "mapping": MappingDoc}


def validator(kind: str) -> Any:
    return jsonschema_rs.Draft202012Validator(file_schemas(registry(), SCHEMAS)[kind])


def route(**changes: Any) -> dict[str, Any]:
    """The examples' returns route as an editor sees it, with some keys changed."""
    project, _ = read_project_from(fixture_files(), ENVIRONMENT)
    data: dict[str, Any] = decode(encode(project.routes["returns"].document.data))
    return {**data, **changes}


def test_installed_plugins_are_complete() -> None:
    assert incomplete(registry()) == []


def test_a_field_without_a_description_is_a_gap() -> None:
    class Bare(sdk.Options):
        place: str
        known: str = Field(description="known")

    @sdk.format("bare")
    class BareFormat(sdk.Format):
        """A format."""

        Config = Bare

        def __init__(self, config: Any) -> None: ...

        def decode(self, content: bytes, name: str) -> Any:
            return iter(())

    gaps = incomplete(Registry([sdk.Connector("bare", (BareFormat,), summary="bare")]))
    assert gaps == ["format bare: field place has no description"]


def test_fields_are_told_as_they_are_written() -> None:
    spec = registry().sources["core.files"]
    assert spec.config is not None
    fields = {field.path: field for field in fields_of(spec.config)}
    assert fields["poll"].kind == "duration" and fields["poll"].default == "1s"
    assert not fields["match"].required and fields["match"].example == "*.xml"


def test_every_connector_has_a_page_and_actions_say_their_guarantee() -> None:
    made = pages(registry())
    assert {f"{name}.md" for name in registry().connectors} <= set(made)
    assert "Guarantee `verify`: after an unknown outcome the system is asked first." in made["erp.tryton.md"]
    assert "## map" in made["steps.md"]


def test_an_action_shows_how_it_is_given_what_it_needs() -> None:
    shown = pages(registry())["core.files.md"]
    assert "Example: `with: {name: {const: sale-1001.json}}`." in shown and "`content` is what `map` makes" in shown


def test_describe_and_list() -> None:
    shown = describe(registry(), "erp.tryton")
    actions = next(c for c in shown["components"] if c["kind"] == "sink")["actions"]
    assert [action["name"] for action in actions] == ["post_move", "notify"]
    assert [field["path"] for field in shown["connection"]][:2] == ["url", "database"]
    assert describe(registry(), "enrich")["components"][0]["kind"] == "step"
    with pytest.raises(KeyError):
        describe(registry(), "nobody")
    rows = listing(Registry(broken={"saas.ours": "import failed"}))
    assert rows == [{"name": "saas.ours", "state": "broken", "version": "", "summary": "import failed", "offers": []}]


@pytest.mark.parametrize("kind", sorted(SCHEMAS))
def test_schemas_are_valid(kind: str) -> None:
    assert jsonschema_rs.meta.is_valid(file_schemas(registry(), SCHEMAS)[kind])


def test_files_without_a_finding_pass_the_editor_schema() -> None:
    project, _ = read_project_from(fixture_files(), ENVIRONMENT)
    check = validator("route")
    for loaded in project.routes.values():
        assert list(check.iter_errors(decode(encode(_written(loaded.document.data))))) == []


def _written(value: Any) -> Any:
    """References as they stand in the file."""
    if isinstance(value, dict):
        return {key: _written(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_written(item) for item in value]
    return f"${{param.{value.name}}}" if hasattr(value, "name") else value


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": [{"id": "one", "no_such_step": {}}]},
        {"steps": [{"id": "one", "enrich": {"tabel": "products"}}]},
        {"steps": [{"enrich": {"table": "products", "key": "sku", "into": "product"}}]},
        {"from": {"use": "core.files", "connection": "store-files", "mtch": "*.xml"}},
        {"to": [{"id": "a", "use": "core.files", "connection": "c", "action": "wrte"}]},
        {"to": [{"id": "a", "use": "core.files", "connection": "c", "action": "write", "with": {"nmae": "x"}}]},
    ],
)
def test_an_editor_sees_mistakes_in_what_plugins_describe(changes: dict[str, Any]) -> None:
    check = validator("route")
    assert check.is_valid(route())
    assert not check.is_valid(route(**changes))

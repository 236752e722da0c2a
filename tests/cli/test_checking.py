"""validate, fmt, schema, connectors, new, init: results, refusals and exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema_rs
import pytest

from engine.core.jsonx import decode
from tests.cli.conftest import Tillflow

ROUTE = "routes/post-sales.yaml"


def broken(project: Path) -> Path:
    route = project / ROUTE
    route.write_text(route.read_text("utf-8").replace("use: core.files", "use: core.flies"), "utf-8")
    return route


def test_a_good_project_has_no_finding(tillflow: Tillflow, project: Path) -> None:
    said = tillflow("validate", "--project", project)

    assert (said.code, said.out) == (0, "")
    assert "no findings" in said.err


def test_findings_as_json_have_the_promised_shape(tillflow: Tillflow, project: Path) -> None:
    broken(project)

    said = tillflow("validate", "--project", project, "--format", "json")

    (finding,) = said.json["findings"]
    assert said.code == 1
    assert set(finding) == {"code", "severity", "file", "line", "column", "message", "help", "suggestion"}
    assert (finding["file"], finding["line"], finding["suggestion"]) == (ROUTE, 23, "core.files")


@pytest.mark.parametrize("form", ["sarif", "github", "human"])
def test_findings_in_other_forms(tillflow: Tillflow, project: Path, form: str) -> None:
    broken(project)

    said = tillflow("validate", "--project", project, "--format", form)

    assert said.code == 1
    assert "core.flies" in said.out
    if form == "sarif":
        assert said.json["version"] == "2.1.0"


def test_findings_of_named_files_only(tillflow: Tillflow, project: Path) -> None:
    broken(project)

    assert tillflow("validate", project / "mappings", "--project", project).code == 0
    assert tillflow("validate", project / "routes", "--project", project).code == 1


def test_no_project_is_wrong_use_and_says_what_to_do(tillflow: Tillflow, tmp_path: Path) -> None:
    said = tillflow("validate", "--project", tmp_path)

    assert said.code == 2
    assert "tillflow init" in said.err


def test_a_wrong_option_is_wrong_use(tillflow: Tillflow) -> None:
    assert tillflow("validate", "--formt", "json").code == 2
    assert tillflow("nonsense").code == 2


def test_fmt_changes_only_what_is_not_canonical(tillflow: Tillflow, project: Path) -> None:
    route = project / ROUTE
    before = route.read_text("utf-8")
    route.write_text(before.replace("class: process", "class: process  "), "utf-8")

    assert tillflow("fmt", "--check", "--project", project).code == 1
    assert tillflow("fmt", "--project", project).code == 0
    assert route.read_text("utf-8") == before
    assert tillflow("fmt", "--check", "--project", project).code == 0


def test_schema_checks_a_route_as_an_editor_would(tillflow: Tillflow, project: Path) -> None:
    import yaml

    schema = tillflow("schema", "route").json
    route = yaml.safe_load((project / ROUTE).read_text("utf-8"))
    validator = jsonschema_rs.validator_for(schema)

    assert validator.is_valid(route), [error.message for error in validator.iter_errors(route)]
    assert not validator.is_valid({**route, "onwer": "x"})
    assert not validator.is_valid({**route, "steps": [{"id": "x", "enrich": {"tabel": "products"}}]})


def test_schema_is_built_without_a_gap(tillflow: Tillflow) -> None:
    said = tillflow("schema", "--check")

    assert (said.code, said.err) == (0, "")


def test_schema_is_written_for_the_editor(tillflow: Tillflow, project: Path) -> None:
    assert tillflow("schema", "--write", "--project", project).code == 0

    assert decode((project / ".tillflow" / "route.schema.json").read_bytes())["title"] == "tillflow route file"


def test_connectors_are_listed_and_shown(tillflow: Tillflow) -> None:
    listed = tillflow("connectors", "list", "--format", "json").json["connectors"]
    shown = tillflow("connectors", "show", "core.sql")

    assert {"core.files", "core.http", "core.sql"} <= {row["name"] for row in listed}
    assert "same_transaction" in shown.out
    assert "have to be there" in shown.out and "`TEXT`" in shown.out
    refused = tillflow("connectors", "show", "core.sqll")
    assert refused.code == 2
    assert "core.sql" in refused.err


def test_new_connector_refuses_a_bad_name_and_an_existing_folder(tillflow: Tillflow, tmp_path: Path) -> None:
    assert tillflow("new", "connector", "Erp Acme", "--into", tmp_path).code == 2
    made = tillflow("new", "connector", "erp.acme", "--into", tmp_path)
    assert made.code == 0 and re.search(r"next: pip install -e (\S+) pytest && pytest \1\n", made.err)
    assert tillflow("new", "connector", "erp.acme", "--into", tmp_path).code == 2


def test_init_never_writes_into_a_folder_that_holds_something(tillflow: Tillflow, project: Path) -> None:
    said = tillflow("init", project)

    assert said.code == 2
    assert "not an empty folder" in said.err

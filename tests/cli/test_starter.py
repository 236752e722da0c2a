"""What `init` lays down: its own tests cover both routes, and a misspelt column is a finding."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Tillflow


def test_a_misspelt_column_is_a_finding_at_its_place(tillflow: Tillflow, project: Path) -> None:
    mapping = project / "mappings" / "till-to-sale.yaml"
    text = mapping.read_text("utf-8")
    mapping.write_text(text.replace("row.amount", "row.amuont"), "utf-8")

    said = tillflow("validate", "--project", project, "--format", "json")

    line = next(n for n, each in enumerate(text.splitlines(), 1) if "row.amount" in each)
    (finding,) = said.json["findings"]
    assert (said.code, finding["code"], finding["line"]) == (1, "TF2020", line)
    assert finding["suggestion"] == "amount"


def test_every_step_and_sink_is_reached_by_its_tests(tillflow: Tillflow, project: Path) -> None:
    said = tillflow("test", "--project", project, "--format", "json")

    assert (said.code, said.json["failed"]) == (0, 0)
    assert {case["file"] for case in said.json["tests"]} == {
        "routes/post-sales.test.yaml",
        "routes/till-sales.test.yaml",
    }


def test_a_copy_of_a_receipt_in_another_file_is_no_second_event(tillflow: Tillflow, project: Path) -> None:
    """What `accepts` with a key is for: the receipt is the same though the file is not."""
    case = project / "routes" / "cases" / "till.csv"
    head, *rows = case.read_text("utf-8").splitlines()
    (case.parent / "again.csv").write_text("\n".join([head, *rows[-1:], ""]), "utf-8")
    test = project / "routes" / "till-sales.test.yaml"
    test.write_text(
        "tillflow: 1\ntests:\n  - name: once\n    given: {files: [cases/till.csv, cases/again.csv]}\n"
        "    expect: {sinks: {sales: {count: 2}}, duplicates: 1, work_items: []}\n",
        "utf-8",
    )

    said = tillflow("test", "--project", project, test)

    assert said.code == 0, said.out + said.err


def test_an_editor_finds_the_schema_of_each_kind_of_file(tillflow: Tillflow, project: Path) -> None:
    said = tillflow("schema", "--write", "--project", project)
    found: dict[str, str] = {}
    for file in (*project.glob("routes/*.yaml"), *project.glob("mappings/*.yaml")):
        first = file.read_text("utf-8").splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema="), file
        schema = (file.parent / first.partition("$schema=")[2]).resolve()
        assert schema.is_file() and schema.parent == (project / ".tillflow").resolve(), file
        found[file.name] = schema.name.removesuffix(".schema.json")

    assert said.code == 0 and "# yaml-language-server: $schema=../.tillflow/route.schema.json" in said.err
    assert found == {
        "connections.yaml": "connections",
        "tables.yaml": "tables",
        "post-sales.yaml": "route",
        "till-sales.yaml": "route",
        "post-sales.test.yaml": "tests",
        "till-sales.test.yaml": "tests",
        "sale-to-posting.yaml": "mapping",
        "till-to-sale.yaml": "mapping",
    }

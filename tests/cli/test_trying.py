"""eval and dry-run: what a route would do, without doing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.jsonx import decode, encode
from tests.cli.conftest import Tillflow


def test_eval_is_exact(tillflow: Tillflow, tmp_path: Path) -> None:
    document = tmp_path / "d.json"
    document.write_text('{"lines": [{"a": 0.1}, {"a": 0.2}], "id": 820982911946155509}', "utf-8")

    assert tillflow("eval", "sum(lines[].a)", document).out == "0.3\n"
    assert tillflow("eval", "id", document).out == "820982911946155509\n"


def test_eval_points_at_what_is_wrong(tillflow: Tillflow, tmp_path: Path) -> None:
    document = tmp_path / "d.json"
    document.write_text("{}", "utf-8")

    said = tillflow("eval", "money_smu(lines, 'a')", document)

    assert said.code == 2
    assert "money_sum" in said.err
    assert "^^^^^^^^^" in said.err


@pytest.mark.parametrize("text", ["", "{", "[1,", '{"a": 1, "a": 2}', '{"a": NaN}', "[" * 200])
def test_eval_refuses_what_is_not_json(tillflow: Tillflow, tmp_path: Path, text: str) -> None:
    document = tmp_path / "d.json"
    document.write_text(text, "utf-8")

    said = tillflow("eval", "a", document)

    assert said.code == 2
    assert "Traceback" not in said.err


def test_dry_run_shows_each_step_and_what_would_be_sent(tillflow: Tillflow, project: Path) -> None:
    said = tillflow(
        "dry-run", "post-sales", project / "routes/cases/sale.json", "--project", project, "--format", "json"
    )

    (run,) = said.json["runs"]
    assert said.code == 0
    assert [step["id"] for step in run["steps"]] == ["products", "total"]
    assert run["steps"][0]["after"]["lines"][0]["product"]["account"] == "400010"
    assert run["outputs"][0]["sink"] == "posting"
    assert not (project / "data" / "posted").exists()


def test_dry_run_of_a_file_goes_through_its_format(tillflow: Tillflow, project: Path) -> None:
    said = tillflow(
        "dry-run", "till-sales", project / "data/inbox/monday.csv", "--project", project, "--format", "json"
    )

    assert [run["outputs"][0]["body"]["receipt"] for run in said.json["runs"]] == ["1001", "1002", "1003"]
    assert (project / "data/inbox/monday.csv").exists()


def test_dry_run_says_what_would_become_a_work_item(tillflow: Tillflow, project: Path) -> None:
    case = project / "routes/cases/sale.json"
    sale = decode(case.read_bytes())
    sale["lines"][0]["sku"] = "SKU-0"
    case.write_bytes(encode(sale))

    said = tillflow("dry-run", "post-sales", case, "--project", project)

    assert said.code == 1
    assert "unknown-sku" in said.out


def test_findings_come_with_their_lines_or_as_json(tillflow: Tillflow, project: Path) -> None:
    route = project / "routes/post-sales.yaml"
    route.write_text(route.read_text("utf-8").replace("use: core.files", "use: core.flies"), "utf-8")
    command = ("dry-run", "post-sales", project / "routes/cases/sale.json", "--project", project)

    human, machine, tested = tillflow(*command), tillflow(*command, "--format", "json"), tillflow("test", "-p", project)

    assert (human.code, machine.code, tested.code) == (1, 1, 1)
    assert [finding["suggestion"] for finding in machine.json["findings"]] == ["core.files"]
    for said in (human, tested):
        assert "    use: core.flies" in said.out and "^^^^^^^^^^" in said.out
    assert "no test was run" in tested.err


def test_dry_run_knows_the_nearest_route(tillflow: Tillflow, project: Path) -> None:
    said = tillflow("dry-run", "post-sale", project / "routes/cases/sale.json", "--project", project)

    assert said.code == 2
    assert "post-sales" in said.err


@pytest.mark.parametrize(
    ("expression", "near"),
    [("lines[0].skuu", "sku"), ("lnes[0].sku", "lines"), ("lines[5].sku", ""), ("lines[0].qty.skuu", ""), ("no", "")],
)
def test_eval_says_that_nothing_is_there(tillflow: Tillflow, tmp_path: Path, expression: str, near: str) -> None:
    document = tmp_path / "d.json"
    document.write_text('{"lines": [{"sku": "A", "qty": 1}]}', "utf-8")

    said = tillflow("eval", expression, document)

    assert (said.code, said.out) == (0, "null\n")
    assert "it gives nothing, and a field of a mapping refuses that" in said.err
    assert (f"did you mean `{near}`?" in said.err) if near else ("did you mean" not in said.err)
    assert tillflow("eval", "lines[0].sku", document).err == ""


def test_a_route_that_takes_events_says_so_of_a_file(tillflow: Tillflow, project: Path) -> None:
    said = tillflow("dry-run", "post-sales", project / "data/inbox/monday.csv", "--project", project)

    assert said.code == 1
    assert "`post-sales` takes events of type sale.completed" in said.err and "through `till-sales`" in said.err


def test_of_many_sources_those_are_named_that_bring_such_events(tillflow: Tillflow, project: Path) -> None:
    route = (project / "routes/till-sales.yaml").read_text("utf-8")
    for name in ("a", "b", "c"):
        other = route.replace("route: till-sales", f"route: {name}").replace(
            "  - {id: canonical, map: till-to-sale}\n", ""
        )
        kept = "  - {id: kept, use: core.files, connection: office, action: write, with: {name: {const: a}, content: '@'}}\n"
        other = (
            other.replace("criticality: financial", "criticality: operational")
            .replace("steps:\n", "")
            .replace("  - {id: sales, event: sale.completed@1}\n", kept)
        )
        (project / f"routes/{name}.yaml").write_text(other, "utf-8")

    said = tillflow("dry-run", "post-sales", project / "data/inbox/monday.csv", "--project", project)

    assert said.code == 1 and "go through `till-sales`" in said.err

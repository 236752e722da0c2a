"""The specification of the language as its users see it: every example that is not marked `later` loads without a
finding and its tests pass. What the examples refer to is in `project` beside this file, or the same as what ships.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.core.jsonx import decode, encode
from engine.discover import discover
from engine.plugins.registry import Registry
from engine.settings import Settings
from engine.steps import BUILTIN
from engine.testing.runner.chosen import all_cases
from engine.testing.runner.project import TestProject, load_for_tests
from engine.testing.runner.session import run_one, run_tests
from tests.examples.standins import STAND_INS
from tests.samples.support import ingest

HERE = Path(__file__).parent
ENVIRONMENT = {"ERP_URL": "https://erp.example.com", "ERP_ES_URL": "https://erp-es.example.com"}
REGISTRY = Registry([*discover().connectors.values(), *STAND_INS], BUILTIN)
SHIPPED = (
    "mappings/return-to-journal.yaml",
    "mappings/sale-to-stock-moves.yaml",
    "mappings/schemas/journal.entry@1.yaml",
    "mappings/schemas/product@1.yaml",
    "mappings/schemas/return.completed@1.yaml",
    "mappings/schemas/sales.day@1.yaml",
    "mappings/schemas/stock.moved@1.yaml",
    "mappings/schemas/store@1.yaml",
    "mappings/tables/accounts.csv",
    "mappings/tables/products.csv",
    "mappings/tables/stores.csv",
    "routes/cases/sale.json",
    "routes/cases/sale-enriched.json",
)


def examples(shared: Path) -> list[Path]:
    """Files of the examples that are not marked `later`; regions join with the overlays."""
    root = shared / "examples"
    found = [path.relative_to(root) for path in sorted(root.rglob("*.yaml")) if "regions" not in path.parts]
    return [path for path in found if not (root / path).read_text("utf-8").startswith("# Later")]


def lay_down(shared: Path, shipped: Path, root: Path) -> Path:
    """A project of the examples and what they refer to."""
    shutil.copytree(HERE / "project", root)
    named = [(shared / "examples", path) for path in examples(shared)] + [(shipped, Path(path)) for path in SHIPPED]
    for folder, path in named:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / path, root / path)
    return root


@pytest.fixture(scope="module")
def loaded(shared: Path, project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> TestProject:
    root = lay_down(shared, project_root, tmp_path_factory.mktemp("examples") / "project")
    return load_for_tests(Settings.read({}, root), ENVIRONMENT, REGISTRY)


def test_every_example_is_there(shared: Path, loaded: TestProject) -> None:
    names = {path.as_posix() for path in examples(shared)}
    assert {"routes/sales-posting.yaml", "routes/sales-posting.test.yaml", "mappings/sale-to-journal.yaml"} <= names
    assert "routes/price-lookup.yaml" not in names, "it is marked `later`"
    assert names <= set(loaded.project.files)
    assert {"pos-ingest", "sales-posting", "sales-summary"} <= set(loaded.routeset.plans)


def test_they_load_with_no_finding_at_all(loaded: TestProject) -> None:
    assert loaded.findings == []


def test_their_tests_pass(loaded: TestProject) -> None:
    results = [run_one(loaded, case) for case in all_cases(loaded.project)]
    assert len(results) == 5
    assert {result.case.name: result.problems for result in results if not result.passed} == {}


# The first of the examples AEAT publishes with its specification of the hash.
FIRST_RECORD = {
    "IDEmisorFactura": "89890001K",
    "NumSerieFactura": "12345678/G33",
    "FechaExpedicionFactura": "01-01-2024",
    "TipoFactura": "F1",
    "CuotaTotal": "12.35",
    "ImporteTotal": "123.45",
    "FechaHoraHusoGenRegistro": "2024-01-01T19:20:30+01:00",
    "Huella": "3C464DAF61ACB827C65FDA19F352A4E3BDC2C640E9E9FC4CC058073F38F12F60",
}


@pytest.fixture(scope="module")
def spain(shared: Path, project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> TestProject:
    """The examples with their country, and its case."""
    root = lay_down(shared, project_root, tmp_path_factory.mktemp("spain") / "project")
    region = shutil.copytree(shared / "examples/routes/regions", root / "routes/regions") / "es"
    sale = decode((root / "routes/cases/sale.json").read_bytes())
    sale["extensions"] = {"fiscal": {"record": FIRST_RECORD, "system": "T-03"}}
    (region / "cases").mkdir()
    for name, day in (("sale.json", sale["business_date"]), ("sale-es-2027.json", "2027-03-14")):
        (region / "cases" / name).write_bytes(encode({**sale, "business_date": day}))
    journal = root / "mappings/schemas/journal.entry@1.yaml"
    text = journal.read_text("utf-8")
    journal.write_text(text.replace("  customer: {", "  fiscal_hash: {type: string}\n  customer: {", 1), "utf-8")
    return load_for_tests(Settings.read({}, root), ENVIRONMENT, REGISTRY)


def test_the_country_loads_with_no_finding_at_all(spain: TestProject) -> None:
    assert spain.findings == []
    grounds = spain.routeset.regional["sales-posting"].grounds
    assert [span.overlays for span in grounds["es",].spans] == [(), ("es-sales",)]


def test_every_promise_and_example_holds_in_the_country(spain: TestProject) -> None:
    results = run_tests(spain, all_cases(spain.project), [], lambda result: None).results
    told = {(result.case.name, result.scope): result.problems for result in results if not result.passed}
    assert told == {}
    assert {result.scope for result in results} == {"", "es until 2026-12-31", "es from 2027-01-01"}


def test_a_file_of_a_till_goes_through_all_of_them(loaded: TestProject, shared: Path, tmp_path: Path) -> None:
    raw = (shared / "samples/pos-poslog/poslog-v6.xml").read_bytes()
    made = ingest(loaded, {"poslog-v6.xml": raw}, "pos-ingest", tmp_path)
    assert made.work == []
    assert len(made.receipts) == 3
    assert len(made.sent) == 5, "both sales are posted and their stock moved, the return is posted"

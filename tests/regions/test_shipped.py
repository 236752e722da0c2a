"""The packs that ship: they fit the routes that ship, change nothing of them, and look at real records."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.backends.secrets import DictSecrets
from engine.cli.demo.receipts import STORES
from engine.compile.compiler import compile_project
from engine.compile.plan import RouteSet
from engine.config.project import read_project_from
from engine.core.findings import Finding
from engine.core.jsonx import decode, encode
from engine.discover import discover
from engine.plugins.registry import Registry
from engine.steps import BUILTIN
from engine.testing.runner.chosen import TestCase, all_cases
from engine.testing.runner.project import TestProject
from engine.testing.runner.scoped import scopes_of
from engine.testing.runner.session import run_one

REGISTRY = Registry(list(discover().connectors.values()), BUILTIN)
Files = Mapping[str, bytes]


@pytest.fixture(scope="module")
def files(project_root: Path) -> Files:
    found = (path for folder in ("routes", "mappings") for path in sorted((project_root / folder).rglob("*")))
    return {path.relative_to(project_root).as_posix(): path.read_bytes() for path in found if path.is_file()}


@pytest.fixture(scope="module")
def shipped(files: Files) -> RouteSet:
    routes, found = compiled(files)
    assert found == []
    return routes


def compiled(files: Files) -> tuple[RouteSet, list[Finding]]:
    project, found = read_project_from(files, {})
    routes, more = compile_project(project, REGISTRY, DictSecrets({}))
    return routes, [*found, *more]


def codes(files: Files) -> set[str]:
    return {path.split("/")[2] for path in files if re.fullmatch(r"routes/regions/[^/]+/pack\.yaml", path)}


# --- the base ---------------------------------------------------------------------------------------------------------


def test_the_base_is_the_same_with_and_without_them(files: Files, shipped: RouteSet) -> None:
    base, _ = compiled({path: content for path, content in files.items() if "/regions/" not in path})
    assert base.regional == {} and shipped.regional.keys() >= {"sales-posting", "returns", "inventory-movements"}
    assert shipped.plans.keys() - base.plans.keys() == {
        "at-zero-receipts",
        "us-tax",
        "us-tax-returns",
        "us-tax-true-up",
    }
    assert {name: shipped.plans[name].digest for name in base.plans} == {
        name: plan.digest for name, plan in base.plans.items()
    }


@pytest.mark.parametrize("code", ["at", "br", "de", "es", "es-pv", "in", "pt", "us"])
def test_each_of_them_leaves_the_others_as_they_are(files: Files, shipped: RouteSet, code: str) -> None:
    gone = {code, "es-pv"} if code == "es" else {code}
    without, _ = compiled(
        {path: text for path, text in files.items() if path.split("/")[2:3] not in [[c] for c in gone]}
    )
    for name, regional in without.regional.items():
        for packs, ground in regional.grounds.items():
            mine = [(span.since, span.until, span.plan.digest) for span in ground.spans]
            theirs = [(s.since, s.until, s.plan.digest) for s in shipped.regional[name].grounds[packs].spans]
            assert mine == theirs, (name, packs)


def test_what_keeps_a_posting_right_cannot_be_taken_away(files: Files) -> None:
    path = "routes/regions/us/sales-posting.overlay.yaml"
    for step in ("totals", "card-data"):
        text = f"tillflow: 1\noverlay: us-sales\nbase: sales-posting@^2\ndisable: [{{id: {step}, reason: we like it so}}]\n"
        assert {finding.code for finding in compiled({**files, path: text.encode()})[1]} == {"TF6011"}


def test_a_misspelt_name_of_a_route_under_overlays_is_a_finding(files: Files) -> None:
    path = "routes/returns.yaml"
    found = compiled({**files, path: files[path].replace(b"route: returns", b"route: erturns")})[1]
    (named,) = [finding for finding in found if finding.mark.file == path and finding.mark.line == 2]
    assert "erturns" in named.message and named.severity == "error"


# --- no hole --------------------------------------------------------------------------------------------------------


def test_every_store_has_a_country_with_a_pack(files: Files, shipped: RouteSet) -> None:
    rows = csv.DictReader(files["mappings/tables/stores.csv"].decode().splitlines())
    countries = {row["country"] for row in rows} | {store.country for store in STORES}
    for regional in shipped.regional.values():
        for country in sorted(countries):
            assert regional.at(json.dumps({"country": country})).ground is not None, (regional.route, country)
        assert regional.at('{"country":"XX"}').ground is None


@pytest.mark.parametrize("connection", ["finance", "stock", "payments", "loyalty"])
def test_no_system_can_be_moved_out_of_the_zone_unseen(files: Files, connection: str) -> None:
    path = "routes/connections.yaml"
    text = files[path].decode()
    before, _, after = text.partition(f"  {connection}:\n")
    moved = compiled({**files, path: f"{before}  {connection}:\n{after.replace('zone: eu', 'zone: us', 1)}".encode()})[
        1
    ]
    assert {finding.code for finding in moved} == {"TF6020"}


# --- pages ----------------------------------------------------------------------------------------------------------


def test_each_says_what_it_covers_and_what_not(files: Files) -> None:
    overview = files["routes/regions/README.md"].decode()
    for code in codes(files):
        page = files[f"routes/regions/{code}/README.md"].decode()
        assert "**Covered**" in page and "**Not covered**" in page, code
        assert f"[{code}]({code}/README.md)" in overview
        assert all(f"| {word} |" in page for word in ("rule", "in force", "mode")), code


def test_each_overlay_names_its_rule_and_when_it_is_looked_at_again(files: Files) -> None:
    project, _ = read_project_from(files, {})
    assert len(project.overlays) == 18
    for overlay in project.overlays:
        assert overlay.model.legal and all(rule.review_by for rule in overlay.model.legal), overlay.path
    for name, pack in project.packs.items():
        assert pack.model.legal and all(rule.review_by for rule in pack.model.legal), name
    assert {pack.model.mode for name, pack in project.packs.items() if name != "us"} == {"verify"}


# --- records of authorities ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(shared: Path) -> Callable[[str], Any]:
    return lambda name: decode((shared / "samples" / name).read_bytes())


POSTED = "a sale that carries a fiscal record is posted"


def outcome(files: Files, code: str, sale: Mapping[str, Any], keys: str = "") -> str:
    """`posted`, or the reason of the work item, of a sale in a country: as its overlay has it."""
    own = {f"routes/regions/{code}/cases/sale-fiscal.json": encode(sale)}
    table = {"mappings/tables/fiscal-keys.csv": files["mappings/tables/fiscal-keys.csv"] + keys.encode()}
    project, found = read_project_from({**files, **own, **table}, {})
    loaded = TestProject(project, REGISTRY, found)
    (case,) = [case for case in all_cases(project) if case.name == POSTED]
    scope = next(one for one in scopes_of(loaded, case) if one.packs == (code,) and one.own)
    given = case.doc.given.model_copy(update={"event": f"regions/{code}/cases/sale-fiscal.json"})
    return _ended(
        run_one(loaded, TestCase(case.doc.model_copy(update={"given": given}), case.subject, case.mark, scope))
    )


def _ended(result: Any) -> str:
    if result.passed:
        return "posted"
    found = re.search(r"work item of [a-z-/]+: ([a-z-]+)", " ".join(result.notes))
    return found[1] if found else "; ".join(result.problems)


def sale_of(files: Files, code: str, gross: str, **fiscal: Any) -> dict[str, Any]:
    """The pack's sale with another total, all of it without tax, and another record."""
    folder = "cases" if code == "es" else f"regions/{code}/cases"
    sale: dict[str, Any] = decode(files[f"routes/{folder}/sale-fiscal.json"])
    amount, nothing = decode(gross.encode()), decode(b"0.00")
    sale["lines"][0] |= {"net": amount, "tax": nothing}
    sale["tax_totals"] = []
    sale["tenders"][0]["amount"] = amount
    sale["totals"] |= {"net": amount, "tax": nothing, "gross": amount}
    sale["extensions"]["fiscal"] = fiscal
    return sale


def test_the_codes_of_real_tses(files: Files, sample: Callable[[str], Any]) -> None:
    from connectors.compliance.de_kassensichv.qr import parse
    from connectors.compliance.de_kassensichv.verify import signed_by

    totals = {
        "dsfinvk-anhangI": "7.05",
        "fiskaly-doc": "2.55",
        "berohndo-256": "21.42",
        "dsfinvk-anhangI-tampered": "7.06",
    }
    ended, strangers = {}, {}
    for vector in sample("compliance-de-kassensichv/tse-qr.json")["vectors"]:
        sale = sale_of(files, "de", totals[vector["name"]], qr=vector["qr"])
        serial = signed_by(parse(vector["qr"]))
        ended[vector["name"]] = outcome(files, "de", sale, f"DE,{serial},unused,of a test\n" if serial else "")
        strangers[vector["name"]] = outcome(files, "de", sale)
    refused = {"dsfinvk-anhangI-tampered": "fiscal-signature-invalid"}
    assert ended == dict.fromkeys(totals, "posted") | refused
    assert strangers == dict.fromkeys(totals, "fiscal-key-unknown") | refused


def test_a_code_of_another_sale_is_refused(files: Files) -> None:
    qr = decode(files["routes/regions/de/cases/sale-fiscal.json"])["extensions"]["fiscal"]["qr"]
    assert outcome(files, "de", sale_of(files, "de", "11.90", qr=qr)) == "posted"
    assert outcome(files, "de", sale_of(files, "de", "11.80", qr=qr)) == "fiscal-total-mismatch"


def test_the_record_aeat_publishes(files: Files, sample: Callable[[str], Any]) -> None:
    first = sample("compliance-es-verifactu/huella-aeat.json")["records"][0]
    names = (
        "IDEmisorFactura",
        "NumSerieFactura",
        "FechaExpedicionFactura",
        "TipoFactura",
        "CuotaTotal",
        "ImporteTotal",
    )
    record = dict(zip(names, (first["fields"][name] for name in ("nif", "num", "f", "t", "c", "i")), strict=True))
    record |= {"FechaHoraHusoGenRegistro": first["fields"]["ts"], "Huella": first["huella"]}
    assert outcome(files, "es", sale_of(files, "es", "123.45", record=record, system="1")) == "posted"
    other = {**record, "NumSerieFactura": "12345678/G34"}
    assert outcome(files, "es", sale_of(files, "es", "123.45", record=other, system="1")) == "fiscal-hash-mismatch"
    assert outcome(files, "es", sale_of(files, "es", "123.46", record=record, system="1")) == "fiscal-total-mismatch"


def test_the_receipts_of_the_official_demo_cash_box(files: Files, sample: Callable[[str], Any]) -> None:
    folder = "compliance-at-rksv/open-szenario-1"
    keys = sample(f"{folder}/cryptographicMaterialContainer.json")["certificateOrPublicKeyMap"]
    rows = [f"AT,{name},{one['signatureCertificateOrPublicKey']},of a test\n" for name, one in keys.items()]
    groups = sample(f"{folder}/dep-export.json")["Belege-Gruppe"]
    ended = set()
    for jws in [jws for group in groups for jws in group["Belege-kompakt"]][1:4]:
        from connectors.compliance.at_rksv import jws as signed

        receipt = signed.read(jws).receipt
        fiscal = {"jws": jws, "box": receipt.box, "certificate": receipt.serial}
        gross = f"{receipt.total / 100:.2f}"
        ended.add(outcome(files, "at", sale_of(files, "at", gross, **fiscal), "".join(rows)))
    assert ended == {"posted"}

"""Compiling again: what did not change is not compiled, and the answer is the one of a compilation from nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.core.formats import connector as formats
from engine.backends.secrets import DictSecrets
from engine.compile.compiler import compile_project
from engine.compile.partial import NotTheSame, build, needed
from engine.compile.plan import RouteSet
from engine.compile.reuse import Memory
from engine.config.project import read_project_from
from engine.core.findings import Finding
from engine.plugins.registry import Registry
from engine.steps import BUILTIN
from tests.runtime.lab import Lab, lab_connector, project
from tests.runtime.routes import FROM_SALES, SALES, TO_ERP, route

REGISTRY = Registry([formats, lab_connector(Lab())], BUILTIN)
MAPPING = "tillflow: 1\nmapping: to-erp\ninput: sale@1\nfields:\n  reference: receipt\n  total: total\n"
MAPPED = route("booking", FROM_SALES + "to:\n  - {id: erp, use: lab, connection: outside, action: note, map: to-erp}\n")
TABLES = "tillflow: 1\ntables:\n  stores: {csv: ../mappings/tables/stores.csv, key: store}\n"
ENRICHED = route(
    "enriched", FROM_SALES + "steps:\n  - {id: st, enrich: {table: stores, key: store, into: st}}\n" + TO_ERP
)
FILES = {
    **SALES,
    "routes/booking.yaml": MAPPED,
    "mappings/to-erp.yaml": MAPPING,
    "routes/tables.yaml": TABLES,
    "mappings/tables/stores.csv": "store,country\nA,DE\n",
    "routes/enriched.yaml": ENRICHED,
}


def compiled(files: dict[str, str], memory: Memory | None = None, secrets: dict[str, str] | None = None):  # type: ignore[no-untyped-def]
    known, found = read_project_from(project(files), {})
    routeset, more = compile_project(known, REGISTRY, DictSecrets(secrets or {}), memory)
    return routeset, [*found, *more]


def told(findings: list[Finding]) -> list[tuple[object, ...]]:
    return [(one.code, one.mark.file, one.mark.line, one.mark.column, one.message) for one in findings]


def digests(routeset: RouteSet) -> dict[str, str]:
    return {name: plan.digest for name, plan in routeset.plans.items()}


Edit = Callable[[dict[str, str]], None]
EDITS: dict[str, tuple[Edit, set[str]]] = {
    "nothing": (lambda files: None, set()),
    "a comment": (
        lambda files: files.update({"routes/posting.yaml": "# why\n" + files["routes/posting.yaml"]}),
        {"posting"},
    ),
    "a route": (
        lambda files: files.update({"routes/posting.yaml": files["routes/posting.yaml"].replace("A route", "One")}),
        {"posting"},
    ),
    "a mapping": (lambda files: files.update({"mappings/to-erp.yaml": MAPPING + "  extra: store\n"}), {"booking"}),
    "a broken mapping": (
        lambda files: files.update({"mappings/to-erp.yaml": MAPPING + "  extra: stroe\n"}),
        {"booking"},
    ),
    "no mapping": (lambda files: files.pop("mappings/to-erp.yaml") and None, {"booking"}),
    "a row": (lambda files: files.update({"mappings/tables/stores.csv": "store,country\nA,FR\nB,FR\n"}), set()),
    "a column": (lambda files: files.update({"mappings/tables/stores.csv": "store,land\nA,FR\n"}), {"enriched"}),
    "a table": (lambda files: files.update({"routes/tables.yaml": TABLES.replace("stores:", "shops:")}), {"enriched"}),
    "one more": (
        lambda files: files.update({"routes/more.yaml": MAPPED.replace("route: booking", "route: more")}),
        {"more"},
    ),
    "one less": (lambda files: files.pop("routes/booking.yaml") and None, set()),
    "a broken route": (
        lambda files: files.update({"routes/posting.yaml": files["routes/posting.yaml"] + "nonsense: 1\n"}),
        {"posting"},
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_what_did_not_change_is_not_compiled_again(edit: str) -> None:
    memory, (change, again) = Memory(), EDITS[edit]
    files = dict(FILES)
    before, found = compiled(files, memory)
    assert not [finding for finding in found if finding.severity == "error"]
    change(files)
    after, findings = compiled(files, memory)
    fresh, wanted = compiled(files)
    assert told(findings) == told(wanted)
    assert (after.digest, digests(after)) == (fresh.digest, digests(fresh))
    kept = {name for name, plan in after.plans.items() if plan is before.plans.get(name)}
    assert kept == after.plans.keys() - again
    # and once it is taken back all is as it was
    back, last = compiled(dict(FILES), memory)
    assert back.digest == before.digest and told(last) == told(compiled(dict(FILES))[1])


@pytest.mark.parametrize("edit", ["a route", "a mapping", "a row", "one more", "one less"])
def test_a_part_of_the_files_gives_the_same_plans(edit: str) -> None:
    files = dict(FILES)
    before, _ = compiled(files)
    EDITS[edit][0](files)
    whole, _ = compiled(files)
    asked: list[set[str]] = []

    def compile(part: dict[str, bytes]) -> RouteSet:
        asked.append({path for path in part if path.startswith("routes/") and path[7:-5] in whole.plans})
        known, _ = read_project_from(part, {})
        return compile_project(known, REGISTRY, DictSecrets({}))[0]

    made = build(project(files), whole.digest, digests(whole), before, compile)  # type: ignore[arg-type]
    assert digests(made) == digests(whole) and made.digest == whole.digest
    changed = {name for name, plan in whole.plans.items() if digests(before).get(name) != plan.digest}
    assert asked == [{f"routes/{name}.yaml" for name in changed}]
    assert all(made.plans[name] is before.plans[name] for name in made.plans.keys() - changed)
    assert made.connections["outside"] is before.connections["outside"]
    assert made.types.keys() == whole.types.keys() and made.tables.keys() == whole.tables.keys()


def test_another_plan_than_was_asked_for_is_told() -> None:
    routeset, _ = compiled(FILES)
    plans = {**digests(routeset), "posting": "0" * 32}

    def compile(part: dict[str, bytes]) -> RouteSet:
        return compiled(FILES)[0]

    with pytest.raises(
        NotTheSame, match="come out otherwise in this process than in the one that read the files: posting"
    ):
        build(project(FILES), "x", plans, RouteSet("", {}), compile)  # type: ignore[arg-type]


def test_files_of_a_route_are_found_through_what_they_name() -> None:
    paths = needed(project(FILES), {"booking"})
    assert "mappings/to-erp.yaml" in paths and "mappings/schemas/sale@1.yaml" in paths
    assert "routes/posting.yaml" not in paths and "routes/connections.yaml" in paths


LOOKED_UP = MAPPING + "  land: lookup('stores', store).country\n  key: text(secret('pin') == receipt)\n"
NAMED = (
    "tillflow: 1\ntests:\n  - {name: a, mapping: to-erp, given: {event: {receipt: a}}, expect: {output: {land: DE}}}\n"
    "  - {name: b, route: posting, given: {event: {receipt: a}}, expect: {filtered: training-mode}}\n"
)
PIECES = {**FILES, "mappings/to-erp.yaml": LOOKED_UP, "routes/posting.test.yaml": NAMED}
SALE = project(FILES)["mappings/schemas/sale@1.yaml"].decode()


@pytest.mark.parametrize(
    ("path", "old", "new", "code"),
    [
        ("mappings/tables/stores.csv", "store,country", "store,land", "TF2020"),  # a column that a mapping reads
        ("mappings/schemas/sale@1.yaml", "  receipt:", "  ticket:", "TF2020"),  # a field of its input
        ("routes/tables.yaml", "  stores:", "  shops:", "TF3004"),
        ("mappings/to-erp.yaml", "  land:", "  country:", "TF3029"),  # a field that a test of it expects
        ("routes/posting.yaml", "reason: training-mode", "reason: training-modes", "TF3030"),
        ("mappings/to-erp.yaml", "mapping: to-erp", "mapping: to-ero", "TF9002"),
        ("mappings/schemas/sale@1.yaml", "  key:", "  ky:", "TF1101"),
    ],
)
def test_what_something_else_makes_wrong_is_told_of_pieces_that_stayed(
    path: str, old: str, new: str, code: str
) -> None:
    memory, secrets = Memory(), {"pin": "1"}
    before, _ = compiled(PIECES, memory, secrets)
    same, _ = compiled(PIECES, memory, secrets)
    assert same.mappings["to-erp"] is before.mappings["to-erp"] and same.types["sale@1"] is before.types["sale@1"]
    text = PIECES.get(path, SALE)
    assert old in text
    files = {**PIECES, path: text.replace(old, new)}
    _, findings = compiled(files, memory, secrets)
    assert code in {finding.code for finding in findings}
    assert told(findings) == told(compiled(files, None, secrets)[1])
    back, last = compiled(PIECES, memory, secrets)
    assert back.digest == before.digest and told(last) == told(compiled(PIECES, None, secrets)[1])


def test_a_mapping_is_compiled_again_when_its_secret_changes_or_goes() -> None:
    memory = Memory()
    first = compiled(PIECES, memory, {"pin": "1"})[0].mappings["to-erp"]
    other = compiled(PIECES, memory, {"pin": "2"})[0].mappings["to-erp"]
    assert other.digest != first.digest
    assert "TF1053" in {finding.code for finding in compiled(PIECES, memory)[1]}


def test_a_route_whose_event_type_cannot_be_read_has_no_plan() -> None:
    """Otherwise it would run without the sink that publishes, or take in what nothing checks."""
    memory = Memory()
    compiled(FILES, memory)
    broken = {**FILES, "mappings/schemas/sale@1.yaml": SALE.replace("  key:", "  ky:")}
    for remembered in (memory, None):
        assert not compiled(broken, remembered)[0].plans.keys() & {"ingest", "posting"}


def test_nothing_is_remembered_of_other_plugins() -> None:
    memory = Memory()
    before, _ = compiled(FILES, memory)
    known, _ = read_project_from(project(FILES), {})
    other = Registry([formats, lab_connector(Lab())], BUILTIN)
    routeset, _ = compile_project(known, other, DictSecrets({}), memory)
    assert routeset.digest == before.digest
    assert all(plan is not before.plans[name] for name, plan in routeset.plans.items())

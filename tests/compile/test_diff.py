"""What a change is called: causes, risks, and words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.core.formats import connector as formats
from engine.backends.secrets import DictSecrets
from engine.compile.compiler import compile_project
from engine.compile.diff import RouteChange, RouteSetDiff, diff
from engine.compile.plan import RouteSet
from engine.config.project import read_project_from
from engine.plugins.registry import Registry
from engine.steps import BUILTIN
from tests.fixtures.sale import SALE_TYPE
from tests.runtime.lab import CONNECTIONS, Lab, lab_connector, project
from tests.runtime.routes import FROM_SALES, POSTING, SALES, TO_ERP, route

REGISTRY = Registry([formats, lab_connector(Lab())], BUILTIN)
MAPPING = "tillflow: 1\nmapping: to-erp\ninput: sale@1\nfields:\n  reference: receipt\n  total: total\n"
MAPPED = route("booking", FROM_SALES + "to:\n  - {id: erp, use: lab, connection: outside, action: note, map: to-erp}\n")
RETRYING = POSTING.replace("total: total}", "total: total}, retry: {give_up_after: 24h}")
FILES = {**SALES, "routes/posting.yaml": RETRYING, "routes/booking.yaml": MAPPED, "mappings/to-erp.yaml": MAPPING}


def compiled(files: dict[str, str], **secrets: str) -> RouteSet:
    known, found = read_project_from(project(files), {})
    routeset, more = compile_project(known, REGISTRY, DictSecrets(secrets))
    assert not [one for one in (*found, *more) if one.severity == "error"]
    return routeset


def changes(change: Callable[[dict[str, str]], object]) -> RouteSetDiff:
    files = dict(FILES)
    change(files)
    return diff(compiled(FILES), compiled(files))


def only(found: RouteSetDiff) -> RouteChange:
    (change,) = found.changes
    return change


def replacing(path: str, old: str, new: str) -> Callable[[dict[str, str]], object]:
    def change(files: dict[str, str]) -> None:
        assert old in files[path]
        files[path] = files[path].replace(old, new)

    return change


@pytest.mark.parametrize(
    ("path", "old", "new", "texts"),
    [
        ("posting", "24h", "6h", ["posting: give_up_after 24h -> 6h (sink erp, retry)"]),
        (
            "posting",
            "steps:\n",
            "steps:\n  - {id: total, set: {note: receipt}}\n",
            ["posting: step `total` added"],
        ),
        (
            "ingest",
            "steps:\n  - {id: shape, validate: sale@1}\n",
            "",
            ["ingest: step `shape` removed"],
        ),
        (
            "posting",
            "id: training",
            "id: trained",
            ["posting: step `training` removed", "posting: step `trained` added"],
        ),
        ("posting", "owner: stores", "owner: finance", ["posting: owner stores -> finance"]),
        ("posting", "owner: stores", "owner: stores\nkeep: 30d", ["posting: keep 30d added"]),
    ],
)
def test_a_route_in_words(path: str, old: str, new: str, texts: list[str]) -> None:
    change = only(changes(replacing(f"routes/{path}.yaml", old, new)))
    assert list(change.texts) == texts
    assert [str(cause) for cause in change.causes] == ["its own file"]


def test_steps_in_another_order() -> None:
    two = "steps:\n  - {id: first, set: {note: receipt}}\n  - {id: second, set: {note: store}}\n"
    swapped = "steps:\n  - {id: second, set: {note: store}}\n  - {id: first, set: {note: receipt}}\n"
    files = {**FILES, "routes/posting.yaml": route("posting", FROM_SALES + two + TO_ERP)}
    after = {**files, "routes/posting.yaml": route("posting", FROM_SALES + swapped + TO_ERP)}
    assert list(only(diff(compiled(files), compiled(after))).texts) == ["posting: steps in another order"]


def test_a_mapping_is_the_cause_of_its_routes() -> None:
    change = only(changes(replacing("mappings/to-erp.yaml", "reference: receipt", "reference: store")))
    assert (change.route, [str(cause) for cause in change.causes]) == ("booking", ["mapping to-erp"])
    assert change.texts == ("booking: reference receipt -> store (fields, mapping to-erp)",)


def test_a_connection_and_a_secret_version() -> None:
    change = changes(
        lambda files: files.update({"routes/connections.yaml": CONNECTIONS.replace("zone: eu", "zone: us")})
    )
    assert {one.route for one in change.changes} == {"ingest", "posting", "booking"}
    assert only_posting(change).texts == ("posting: zone eu -> us (connection outside)",)


def only_posting(found: RouteSetDiff) -> RouteChange:
    return next(change for change in found.changes if change.route == "posting")


def test_a_secret_version_is_told_without_the_secret() -> None:
    calling = FROM_SALES + "steps:\n  - {id: s, when: \"present(secret('pepper'))\", set: {note: store}}\n" + TO_ERP
    files = {**SALES, "routes/posting.yaml": route("posting", calling)}
    change = only(diff(compiled(files, pepper="old-pepper"), compiled(files, pepper="new-pepper")))
    assert [str(cause) for cause in change.causes] == ["secret pepper"]
    assert change.texts == ("posting: secret pepper has another version",)


def test_routes_that_come_go_and_are_renamed() -> None:
    def change(files: dict[str, str]) -> None:
        del files["routes/booking.yaml"]
        files["routes/loyalty.yaml"] = route("loyalty", FROM_SALES + TO_ERP.replace("post", "note"))
        text = files.pop("routes/posting.yaml").replace("route: posting", "route: ledger")
        files["routes/ledger.yaml"] = text.replace("id: erp", "id: erp, effect: posting/erp")

    found = changes(change)
    assert (found.added, found.removed, found.renamed, found.unchanged) == (
        ("loyalty",),
        ("booking",),
        ("ledger",),
        ("ingest",),
    )
    renamed = next(one for one in found.changes if one.kind == "renamed")
    assert renamed.was == "posting" and not renamed.risks
    assert [risk.name for risk in found.risks] == ["route-removed"]


@pytest.mark.parametrize(
    ("path", "old", "new", "risks"),
    [
        ("routes/posting.yaml", "id: erp", "id: erp, effect: books", [("effect-changed", True)]),
        ("routes/posting.yaml", "id: erp", "id: books", [("effect-changed", True)]),
        ("routes/posting.yaml", "id: erp", "id: books, effect: posting/erp", []),
        ("routes/booking.yaml", "criticality: financial", "criticality: operational", [("guarantee-loosened", False)]),
        ("routes/posting.yaml", "owner: stores", "owner: finance", []),
    ],
)
def test_risks_of_a_route(path: str, old: str, new: str, risks: list[tuple[str, bool]]) -> None:
    found = changes(replacing(path, old, new))
    assert [(risk.name, risk.refused) for risk in found.risks] == risks


def test_risks_of_a_type() -> None:
    files = {**FILES, "mappings/schemas/sale@1.yaml": SALE_TYPE.replace("key: [store, receipt]", "key: receipt")}
    found = diff(compiled(FILES), compiled(files))
    assert {(risk.route, risk.name) for risk in found.risks} == {("posting", "key-changed"), ("booking", "key-changed")}
    assert "posting: the key of sale is receipt and was store, receipt" in [risk.text for risk in found.risks]
    files["mappings/schemas/sale@1.yaml"] = SALE_TYPE.replace("guard: total", "guard: currency")
    assert {risk.name for risk in diff(compiled(FILES), compiled(files)).risks} == {"guard-changed"}


def test_nothing_is_different_about_comments_and_layout() -> None:
    found = changes(replacing("routes/posting.yaml", "owner: stores\n", "\n# whose it is\nowner:   stores\n"))
    assert not found and not found.changes

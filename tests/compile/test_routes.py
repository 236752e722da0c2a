"""Routes: what a Plan holds, and that one broken route leaves the others alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine import sdk
from engine.compile.plan import Plan, Retry
from engine.core.event import Event
from engine.core.findings import Finding
from engine.plugins.frame import Frame
from engine.plugins.registry import Registry
from engine.plugins.spec import API
from engine.steps import BUILTIN
from tests.compile.support import TestEnv, compiled, edited, fixture_files, registry, with_changes
from tests.fixtures.standins import STANDINS, KlaviyoSink


def plan(name: str, files: Any = None) -> Plan:
    routes, findings = compiled(files or fixture_files())
    assert [f for f in findings if f.severity == "error"] == []
    return routes.plans[name]


def stock(steps: str = "", sinks: str = "", head: str = "") -> dict[str, bytes | str]:
    """The fixture with a `stock` route of these steps and sinks."""
    sinks = sinks or "  - {id: levels, table: stock-levels, key: [location, reference], map: stock-to-row}\n"
    text = (
        "tillflow: 1\nroute: stock\nversion: 1.0.0\nowner: store-ops\ncriticality: operational\n"
        f"from: {{event: stock.moved@1}}\n{head}" + (f"steps:\n{steps}" if steps else "") + f"to:\n{sinks}"
    )
    return with_changes({"routes/stock.yaml": text})


def codes(findings: list[Finding], severity: str = "error") -> list[str]:
    return [finding.code for finding in findings if finding.severity == severity]


def test_a_plan_holds_what_the_file_says() -> None:
    made = plan("sales-posting")
    assert (made.owner, made.criticality, made.version, made.class_) == (
        "finance-integration",
        "financial",
        "2.3.0",
        "process",
    )
    assert made.source.event == "sale.completed@2" and made.source.accepts is not None
    assert made.keep == 400 * 86400 and made.has_inbox
    assert made.params == {"posting": "line", "erp_rate": "50/s"}
    assert made.tables == {"products", "stores", "accounts"}
    assert made.connections == {"finance-erp", "crm"}
    assert [step.id for step in made.segments[0].steps.steps] == [
        "training",
        "products",
        "totals",
        "fiscal",
        "card-data",
    ]
    assert made.slo["latency_p95"] == 30.0 and made.expect_traffic["at_least"] == 1


def test_sinks_and_their_defaults() -> None:
    made = plan("sales-posting")
    erp, summary, moves = made.sink("erp"), made.sink("erp-summary"), made.sink("stock")
    assert erp is not None and summary is not None and moves is not None
    assert (erp.effect, erp.named_effect, erp.lane, erp.guarantee) == (
        "finance-posting",
        True,
        "finance-erp.financial",
        "verify",
    )
    assert erp.rate is not None and (erp.rate.count, erp.rate.seconds) == (50, 1.0)
    assert erp.retry == Retry(first=1.0, max=1800.0, factor=3.0, give_up_after=86400.0)
    assert summary.lane == "bus" and not summary.by_router
    assert moves.by_router and moves.effect == "sales-posting/stock"
    assert moves.mapper is not None and moves.mapper.output == "stock.moved@1"


def test_a_sink_waits_as_long_as_its_connection_says_unless_it_says_otherwise() -> None:
    limit, sink = "timeout: 20s", "    action: post_move\n"
    for own, seconds in (("", 7), ("    timeout: 3s\n", 3)):
        text = fixture_files()["routes/sales-posting.yaml"].decode().replace(sink, sink + own, 1)
        connections = fixture_files()["routes/connections.yaml"].decode().replace(limit, "timeout: 7s", 1)
        routes, _ = compiled(with_changes({"routes/sales-posting.yaml": text, "routes/connections.yaml": connections}))
        found = routes.plans["sales-posting"].sink("erp")
        assert found is not None and found.timeout == seconds


def test_a_table_sink_knows_the_key_of_its_rows() -> None:
    sink = plan("stock").sink("levels")
    assert sink is not None and sink.table_key is not None
    assert [part.text for part in sink.table_key.parts] == ["location", "reference"]
    assert (sink.table, sink.guarantee, sink.lane) == ("stock-levels", "upsert", "tables.operational")


def test_a_cut_ends_a_segment() -> None:
    made = plan("sales-summary")
    first, second = made.segments
    assert (first.id, first.cut_id, second.id, second.cut) == ("", "day", "day", None)
    assert first.cut is not None and first.state_version
    changed = plan("sales-summary", edited("routes/sales-summary.yaml", "count: 500", "count: 100"))
    assert changed.segments[0].state_version != first.state_version
    renamed = plan("sales-summary", edited("routes/sales-summary.yaml", "version: 1.0.0", "version: 1.1.0"))
    assert renamed.segments[0].state_version == first.state_version


def test_a_source_with_its_format() -> None:
    source = plan("pos-ingest").source
    assert (source.use, source.connection, source.format) == ("core.files", "store-files", "pos.poslog")
    assert source.config.match == "*.xml" and source.event == ""


def test_the_body_of_a_sink_is_the_document_unless_it_is_mapped() -> None:
    sinks = "  - {id: copy, use: core.files, connection: store-files, action: write, with: {name: reference}}\n"
    sink = plan("stock", stock(sinks=sinks)).sink("copy")
    assert sink is not None and sink.call is not None
    data = {"reference": "R-1", "lines": []}
    assert sink.call.request(data, TestEnv()) == {"name": "R-1", "content": data}


def test_with_takes_objects_of_values() -> None:
    sinks = (
        "  - id: copy\n    use: core.files\n    connection: store-files\n    action: write\n"
        "    with: {name: reference, content: {place: location, note: {expr: reason, optional: true}, n: {const: 5}}}\n"
    )
    sink = plan("stock", stock(sinks=sinks)).sink("copy")
    assert sink is not None and sink.call is not None
    request = sink.call.request({"reference": "R-1", "location": "0012"}, TestEnv())
    assert request == {"name": "R-1", "content": {"place": "0012", "n": 5}}


def test_a_reply_is_made_from_the_data() -> None:
    made = plan("stock", with_changes({"routes/stock.yaml": (
        "tillflow: 1\nroute: stock\nversion: 1.0.0\nowner: store-ops\ncriticality: operational\n"
        "from: {event: stock.moved@1}\n"
        "reply: {status: 201, body: {place: location, lines: [{each: {in: lines, as: l}, expr: l.sku}]}}\n"
    ), "routes/tables.yaml": fixture_files()["routes/tables.yaml"]}))  # fmt: skip
    assert made.reply is not None
    data = {"location": "0012", "lines": [{"sku": "A"}]}
    assert made.reply.request(data, TestEnv()) == {"status": 201, "body": {"place": "0012", "lines": ["A"]}}


def test_a_tapped_sink_gets_copies_only() -> None:
    sinks = (
        "  - {id: levels, table: stock-levels, key: [location, reference], map: stock-to-row}\n"
        "  - {id: copies, use: core.files, connection: store-files, action: write, with: {name: reference}}\n"
    )
    made = plan("stock", stock("  - {id: copy, wire_tap: {sink: copies}}\n", sinks))
    tapped = {sink.id: sink.tapped for sink in made.sinks}
    assert tapped == {"levels": False, "copies": True}


def test_a_broken_route_is_left_out_and_the_others_are_there() -> None:
    routes, findings = compiled(edited("routes/pos-ingest.yaml", "connection: store-files", "connection: store-file"))
    assert codes(findings) == ["TF3001"]
    assert set(routes.plans) == {"returns", "sales-posting", "sales-summary", "stock"}


@pytest.mark.parametrize(
    ("path", "old", "new", "lost"),
    [
        ("mappings/sale-to-journal.yaml", "currency: currency", "currency: curency", {"sales-posting"}),
        ("mappings/schemas/stock.moved@1.yaml", "kind: {enum", "kind: {enumm", {"sales-posting", "stock"}),
        ("routes/totals-check.yaml", "totals.gross", "totals.gros", {"returns"}),
        ("routes/connections.yaml", "connector: saas.klaviyo", "connector: saas.klavio", {"sales-posting"}),
        ("routes/tables.yaml", "key: sku", "key: skuu", set()),
        ("mappings/templates/receipt.j2", "receipt_no", "recipt_no", {"returns"}),
    ],
)
def test_what_a_route_needs_takes_it_along(path: str, old: str, new: str, lost: set[str]) -> None:
    routes, findings = compiled(edited(path, old, new))
    assert codes(findings) != []
    everything = {"pos-ingest", "returns", "sales-posting", "sales-summary", "stock"}
    assert everything - set(routes.plans) == lost


def test_all_findings_come_in_one_run_in_order() -> None:
    text = fixture_files()["routes/sales-posting.yaml"].decode()
    text = text.replace("table: products", "table: product").replace("map: sale-to-loyalty", "map: sale-to-loyal")
    text = text.replace("is_true(training)", "is_true(trainin)")
    _, findings = compiled(with_changes({"routes/sales-posting.yaml": text}))
    mine = [(f.code, f.mark.line) for f in findings if f.mark.file == "routes/sales-posting.yaml"]
    assert mine == [("TF2020", 21), ("TF3004", 25), ("TF3002", 65)]


class TestPluginsThatCannotBeUsed:
    def test_a_connector_for_another_api_stops_its_own_routes_only(self) -> None:
        others = [c for c in registry().connectors.values() if c.name != "saas.klaviyo"]
        old = sdk.Connector("saas.klaviyo", (KlaviyoSink,), STANDINS[1].connection, api=API + 1)
        routes, findings = compiled(fixture_files(), plugins=Registry([*others, old], BUILTIN))
        assert set(codes(findings)) == {"TF3019"}
        assert "sales-posting" not in routes.plans and "returns" in routes.plans

    def test_a_plugin_that_cannot_be_imported_stops_its_own_routes_only(self) -> None:
        others = [c for c in registry().connectors.values() if c.name != "saas.klaviyo"]
        broken = Registry(others, BUILTIN, {"saas.klaviyo": "importing it failed: no licence"})
        routes, findings = compiled(fixture_files(), plugins=broken)
        assert set(codes(findings)) == {"TF3020"}
        assert all("no licence" in f.message for f in findings)
        assert "sales-posting" not in routes.plans and "pos-ingest" in routes.plans


class TestFlow:
    def test_branches_meet_with_every_schema_they_may_give(self) -> None:
        files = edited(
            "routes/pos-ingest.yaml", "when: \"meta('schema') == 'sale.completed@2'\"", "when: present(lines)"
        )
        assert compiled(files)[1] == []  # lines are in both, so nothing can be said against it

    def test_a_sink_for_a_schema_no_branch_gives_is_never_reached(self) -> None:
        old = "event: return.completed@1, when: \"meta('schema') == 'return.completed@1'\""
        new = "event: return.completed@1, when: \"meta('schema') == 'stock.moved@1'\""
        _, findings = compiled(edited("routes/pos-ingest.yaml", old, new))
        assert "TF4006" in codes(findings)

    def test_a_branch_that_ends_gives_nothing_to_what_follows(self) -> None:
        steps = (
            "  - id: pick\n    choose:\n"
            "      - {when: \"kind == 'sale'\", steps: [{id: ended, filter: {reason: not-here}}]}\n"
            "      - {otherwise: true, steps: [{id: place, set: {counterpart: location}}]}\n"
            "  - {id: local, set: {reason: counterpart}}\n"
        )
        assert compiled(stock(steps))[1] == []

    def test_what_a_slot_yields_may_be_read_after_it(self) -> None:
        reads = "  - {id: told, set: {reason: {expr: extensions.fiscal.hash, optional: true}}}\n"
        after = f"  - slot: fiscal\n    yields: extensions.fiscal\n{reads}"
        assert [f.code for f in compiled(stock(after))[1]] == []
        before = after.replace("    yields: extensions.fiscal\n", "")
        assert codes(compiled(stock(before))[1]) == ["TF2020"]


class TestSharedSteps:
    def test_they_see_their_own_parameters(self) -> None:
        made = plan("returns")
        whole = made.segments[0].steps.steps[0].step
        data = {"tenders": [{"amount": Decimal("-1.81")}], "totals": {"gross": Decimal("-1.80")}}
        frame = Frame(Event("1", "return.completed@1", "x", data, 0, "2026-03-14"), data, "", TestEnv())
        assert whole.run(frame) is None
        assert isinstance(frame.env, TestEnv)

    def test_a_failure_inside_gives_the_parameters_back(self) -> None:
        whole = plan("returns").segments[0].steps.steps[0].step
        data = {"tenders": [{"amount": Decimal(-2)}], "totals": {"gross": Decimal("-1.80")}}
        env = TestEnv()
        frame = Frame(Event("1", "return.completed@1", "x", data, 0, "2026-03-14"), data, "", env)
        with pytest.raises(Exception, match="gross-mismatch"):
            whole.run(frame)
        assert frame.env is env


class TestGuarantees:
    def test_a_reason_makes_a_risky_sink_acceptable(self) -> None:
        text = fixture_files()["routes/sales-posting.yaml"].decode().replace("action: post_move", "action: notify")
        assert codes(compiled(with_changes({"routes/sales-posting.yaml": text}))[1]) == ["TF4004"]
        accepted = text.replace(
            "action: notify", "action: notify\n    accept_duplicates_because: a second notice does no harm"
        )
        assert compiled(with_changes({"routes/sales-posting.yaml": accepted}))[1] == []

    def test_a_reason_makes_a_risky_call_acceptable(self) -> None:
        call = "call: {use: erp.tryton, connection: finance-erp, action: book, with: {reference: receipt_no}%s}"
        text = fixture_files()["routes/returns.yaml"].decode()
        risky = text.replace("to:\n", "  - {id: book, " + call % "" + "}\nto:\n")
        assert codes(compiled(with_changes({"routes/returns.yaml": risky}))[1]) == ["TF4005"]
        reason = ", accept_duplicates_because: the ERP ignores repeats"
        accepted = text.replace("to:\n", "  - {id: book, " + call % reason + "}\nto:\n")
        assert compiled(with_changes({"routes/returns.yaml": accepted}))[1] == []

    def test_other_routes_may_use_any_guarantee(self) -> None:
        sinks = "  - {id: told, use: erp.tryton, connection: finance-erp, action: notify, map: stock-to-row}\n"
        assert codes(compiled(stock(sinks=sinks))[1]) == []

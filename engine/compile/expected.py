"""What a route promises (`slo`) and how much traffic it expects, as numbers that `status` can judge."""

from __future__ import annotations

from collections.abc import Mapping

from engine.compile.report import Place
from engine.compile.scope import Scope
from engine.config.models.route import SloDoc, TrafficDoc

LATENCIES = ("latency_p50", "latency_p95", "latency_p99")


def plan_slo(scope: Scope, place: Place, doc: SloDoc | None) -> Mapping[str, float]:
    """`latency_pNN` in seconds, `success` as a share of 1; only what is promised."""
    if doc is None:
        return {}
    found: dict[str, float] = {}
    for name in LATENCIES:
        if getattr(doc, name) is not None:
            found[name] = scope.measures.duration(place.at(name), getattr(doc, name), 0.0)
    if doc.success is not None:
        found["success"] = scope.measures.number(place.at("success"), doc.success, 1.0)
        if not 0 <= found["success"] <= 1:
            place.at("success").finding("TF1103", "this is a share between 0 and 1", help="write 0.999 for 99.9 %")
    return found


def plan_traffic(scope: Scope, place: Place, doc: TrafficDoc | None) -> Mapping[str, float]:
    """`at_least` and `at_most` events, where they are given, `per` seconds."""
    if doc is None:
        return {}
    per = scope.measures.duration(place.at("expect_traffic", "per"), doc.per, 0.0)
    counts = {"at_least": doc.at_least, "at_most": doc.at_most}
    return {**{name: count for name, count in counts.items() if count is not None}, "per": per}

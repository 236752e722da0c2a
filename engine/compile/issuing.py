"""Where fiscal records may be made: where the one who prints them waits for the answer, and a repeat is known as one.

A record that is made later says of a receipt in the customer's hand what does not stand on it; one that is made again
is a second one of the same receipt.
"""

from __future__ import annotations

from typing import Any

from engine.compile.plan import Plan
from engine.compile.report import Place, Report
from engine.compile.scope import Scope
from engine.config.models.route import RouteDoc
from engine.config.regions.packs import Pack
from engine.core.findings import Finding
from engine.plugins.contracts import Step

CHECK_IT = "use `mode: verify`: the till issued the record, this checks it"


def answers(scope: Scope, doc: RouteDoc) -> bool:
    """True when whoever brings an event waits for the route's reply."""
    spec = scope.catalog.registry.sources.get(doc.from_.use or "")
    return doc.reply is not None and spec is not None and getattr(spec.target, "answers", False)


def keyed(scope: Scope, doc: RouteDoc) -> bool:
    """True when an event that comes again is the same one, however its bytes look."""
    type_ = scope.catalog.types.get(doc.accepts or "")
    spec = scope.catalog.registry.sources.get(doc.from_.use or "")
    return (type_ is not None and type_.key is not None) or getattr(spec and spec.target, "own_ids", False)


def check_issuing(place: Place, type_: str, step: Step, body: Any, scope: Scope) -> None:
    """A finding when a step makes records where nobody waits for them. Notes where it does."""
    if not step.issues:
        return
    if isinstance(body, dict) and "mode" in body:
        place = place.at("mode")
    scope.uses.issuing.append(place.mark)
    if not scope.answers:
        text = f"`{type_}` issues fiscal records here, and no till waits for them: its receipt is printed already"
        place.finding("TF6026", text, help=f"{CHECK_IT}; or issue on a route that answers the till with `reply`")
    elif not scope.keyed:
        text = f"`{type_}` issues fiscal records, and nothing tells a receipt that comes again from a new one"
        place.finding(
            "TF6028", text, help="write `accepts: <type>@<n>` with a schema that has `x-tillflow: {key: [..]}`"
        )


def check_who_issues(report: Report, plan: Plan, pack: Pack) -> None:
    """Findings where records are made in a region whose pack says that it verifies them."""
    if pack.loaded.model.mode != "verify":
        return
    also = (pack.loaded.document.marks.key(("mode",)),)
    text = f"fiscal records are issued here, and the pack `{pack.code}` says `mode: verify`"
    advice = f"{CHECK_IT}; or write `mode: issue` in the pack"
    report.add(*(Finding("TF6027", text, mark, advice, also=also) for mark in plan.issuing))

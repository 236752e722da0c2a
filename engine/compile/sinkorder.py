"""Order of a sink: whether it can be kept for what comes here, and what a lost answer would hold."""

from __future__ import annotations

from engine.compile.plan import EventType, Ordered
from engine.compile.report import Place
from engine.compile.scope import Scope
from engine.config.models.route import SinkDoc


class SinkOrder:
    """Reads `ordered` and `ordering` of one sink; `type_` is the type of the route's events where they have one."""

    def __init__(self, scope: Scope, place: Place, doc: SinkDoc, type_: EventType | None) -> None:
        self._scope = scope
        self._place = place
        self._doc = doc
        self._type = type_

    def planned(self) -> Ordered | None:
        """None: the sink takes deliveries as they come."""
        doc = self._doc
        if doc.ordered is None and doc.ordering is None:
            return None
        self._check_order(self._place.at("ordered" if doc.ordered is not None else "ordering"))
        if doc.ordered is None:
            return Ordered(mode="latest")
        gap = self._scope.measures.duration(
            self._place.at("ordered", "gap_timeout"), doc.ordered.gap_timeout, Ordered().gap_timeout
        )
        return Ordered(on_failure=doc.ordered.on_failure, gap_timeout=gap)

    def _check_order(self, place: Place) -> None:
        """A finding where no order can be kept: without a key of order, or without one number for each output."""
        if self._type is None or self._type.order_by is None:
            what = f"{self._type.schema} has no `order_by`" if self._type else "the events of this route have no type"
            place.finding("TF4019", f"order cannot be kept: {what}", key=True, help="add `order_by` to its schema")
        elif self._doc.ordered is not None and (step := self._scope.uses.regrouped):
            place.finding(
                "TF4019",
                f"order cannot be kept behind `{step}`: what comes here has no number of its own",
                key=True,
                help="publish with `event:` a type that has `order_by`, and send it on from a route of its own",
            )

    def check_held(self, guarantee: str, action: str) -> None:
        """A warning where every lost answer stops a key until a person decides."""
        ordered = self._doc.ordered
        if ordered is not None and ordered.on_failure == "hold_key" and guarantee == "at_most_once":
            self._place.at("ordered").finding(
                "TF4023",
                f"`{action}` is never repeated: each lost answer holds its key until a person decides",
                key=True,
                help="write `on_failure: skip`, or choose an action that can be repeated",
                severity="warning",
            )

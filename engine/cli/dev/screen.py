"""What `dev` shows: a line for everything that happens; in colour on a terminal, plain elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from engine.cli.findings import show
from engine.cli.output import escape, inline, out
from engine.core.findings import Finding
from engine.core.jsonx import encode
from engine.core.masking import mask_pan_text
from engine.ports.store.journal import Entry
from engine.ports.store.work import WorkItem
from engine.runtime.carrying.codec import Delivery

KEPT = 1000  # deliveries whose sink is known when they are sent
LONGEST = 2000  # characters of a document
_COLOURS = {
    "applied": "green",
    "work-item": "bold red",
    "filtered": "yellow",
    "retrying": "yellow",
    "caught": "yellow",
    "stale-answer": "yellow",
    "duplicate": "yellow",
}
_SILENT = ("routed", "published", "applied", "work-item")  # told by other lines


class Screen:
    """Prints. `deliveries` are those that are on their way."""

    def __init__(self) -> None:
        self._console = out()
        self._deliveries: dict[str, Delivery] = {}

    def say(self, text: str, style: str = "") -> None:
        """A sentence of dev itself."""
        line = escape(text)
        self._console.print(f"[{style}]{line}[/]" if style else line)

    def findings(self, found: Sequence[Finding], sources: Mapping[str, bytes]) -> None:
        """With excerpts."""
        show(found, sources=sources)

    def entries(self, entries: Sequence[Entry]) -> None:
        """Lines of the journal, but for those that something else tells better."""
        for entry in entries:
            if entry.what not in _SILENT:
                keys = " ".join(f"{name}={value}" for name, value in entry.keys.items() if "." not in name)
                detail = " ".join(filter(None, (entry.sink, keys or entry.event_id[:12], entry.detail)))
                self._line(entry.route, entry.what, detail)

    def work(self, items: Sequence[WorkItem]) -> None:
        """Failures that wait for a person."""
        for item in items:
            where = f"{item.sink} " if item.sink else ""
            self._line(item.route, "work-item", f"{where}{item.reason}: {item.detail}")

    def on_its_way(self, delivery: Delivery) -> None:
        """Remember where it goes: the sink itself does not know."""
        self._deliveries[delivery.id] = delivery
        if len(self._deliveries) > KEPT:
            del self._deliveries[next(iter(self._deliveries))]

    def captured(self, key: str, action: str, request: Any) -> None:
        """A sink would have been sent this."""
        delivery = self._deliveries.get(key.partition(":")[0])
        route, sink = (delivery.route, delivery.sink) if delivery is not None else ("", "a sink")
        text = mask_pan_text(encode(request).decode())  # the rest is what was dropped here by who looks
        shown = text if len(text) <= LONGEST else text[:LONGEST] + "..."
        self._line(route, "applied", f"{sink} {action} {shown}")

    def _line(self, route: str, what: str, detail: str) -> None:
        now = datetime.now().strftime("%H:%M:%S")  # noqa: DTZ005 - the time on the wall of who looks
        colour = _COLOURS.get(what, "cyan")
        self._console.print(f"[dim]{now}[/]  {inline(route):<20}  [{colour}]{what:<10}[/]  {inline(detail)}")

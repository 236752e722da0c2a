"""A work item as people see it: in a list, and on its own with what can be done about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from engine.cli.output import escape, inline, out, pretty, print_fitting
from engine.core.quoting import excerpt

LINES = 10  # of a text that is not shown whole
CUT = 160  # characters of one of them
_FACTS = ("id", "state", "level", "route", "sink", "owner", "reason", "detail", "record", "created", "attempts")
_COLUMNS = ("id", "since (UTC)", "route", "sink", "reason", "tries", "last try", "detail", "keys", "owner")
_WHOLE = ("id", "since (UTC)", "route", "reason", "tries", "last try")
_DROP = ("owner", "keys", "last try", "sink", "since (UTC)", "tries")
_STEPS = {
    "edit": "change what is replayed",
    "replay": "have it tried again",
    "resolve": "it was put right elsewhere",
    "discard": "it is not wanted",
}


def show_items(items: list[dict[str, Any]]) -> None:
    """A table; ids, routes and reasons stay whole, so that they can be copied."""
    tried_again = any(item.get("last_try") for item in items)
    rows = [
        (
            item["id"],
            _minute(item["created"]),
            item["route"],
            item["sink"],
            item["reason"],
            item["attempts"] or "",
            _minute(item.get("last_try", "")),
            told(item),
            _keys(item["search"]),
            item["owner"],
        )
        for item in items
    ]
    left_out = () if tried_again else ("last try",)
    places = [place for place, name in enumerate(_COLUMNS) if name not in left_out]
    drop = [name for name in _DROP if name not in left_out]
    print_fitting(
        [_COLUMNS[place] for place in places], [[row[place] for place in places] for row in rows], _WHOLE, drop
    )
    out().print("\n`tillflow work show ID` tells more of one, and what can be done about it.")


def told(item: dict[str, Any]) -> str:
    """What is wrong with it; that it was replayed in vain is part of it."""
    return f"failed again: {item['detail']}" if item.get("failed_again") else str(item["detail"])


def show_item(item: dict[str, Any], *, full: bool) -> None:
    """What failed, where, the data, and the next steps. `full`: a long text is shown whole."""
    console = out()
    last = item.get("last_try", "")
    tries = f"{item['attempts']}, the last one {last[:19]} UTC" if last else item["attempts"]
    item = {**item, "record": _place(item["headers"]), "detail": told(item), "attempts": tries}
    item["made by"] = _maker(item.get("made_by", {}))
    decided = item.get("decisions", [])
    for name in (*_FACTS, "made by", *(() if decided else ("note",))):
        if item.get(name):
            console.print(f"[bold]{name:<9}[/] {inline(str(item[name]))}")
    if decided:
        console.print("[bold]decisions[/]")
    for one in decided:
        console.print(f"  {inline(_decision(one))}")
    facts = {name: value for name, value in item["data"].items() if name != "last_try"}
    if facts:
        console.print(f"[bold]facts[/]\n{escape(pretty(facts))}")
    body = item["body"]
    shown = body if not isinstance(body, str) or full else around(body, _line_in(item))
    console.print(f"[bold]body[/]\n{escape(shown if isinstance(shown, str) else pretty(shown))}")
    for line in _next(item):
        console.print(escape(line))


def _decision(one: dict[str, Any]) -> str:
    """When, what, who and why; a replay in vain leaves the item open."""
    vain = ", and it failed again" if one["action"] == "replay" and one["state"] == "open" else ""
    return f"{one['at'][:19].replace('T', ' ')} UTC  {one['action']} by {one['actor']}: {one['reason']}{vain}"


def _maker(made_by: dict[str, Any]) -> str:
    """The revision that made the request, where that was taken back."""
    if made_by.get("state") != "rejected":
        return ""
    return f"revision {made_by['number']}, which was rolled back: {made_by['problem']}"


def around(text: str, place: int) -> str:
    """The lines around a place (from 1; 0: the beginning), cut where they are long, with what was left out."""
    lines = text.splitlines()
    if len(lines) <= LINES and all(len(line) <= CUT for line in lines):
        return text
    start = max(0, min(place - 1 - LINES // 2, len(lines) - LINES))
    shown = lines[start : start + LINES]
    numbers = (
        f"lines {start + 1} to {start + len(shown)} of {len(lines)}" if len(lines) > LINES else "long lines are cut"
    )
    cut = [line if len(line) <= CUT else line[: CUT - 3] + "..." for line in shown]
    return "\n".join([*cut, f"({numbers}; --full shows all)"])


def _line_in(item: dict[str, Any]) -> int:
    """Where in the body it is wrong: of a whole document its failure names the line, of one record it is the first."""
    if int(item["headers"].get("tf-number", 0)) >= 0:
        return 0
    named = re.search(r"\bline (\d+)", item["detail"])
    line = item["data"].get("line") or (named[1] if named else 0)
    return int(line) if str(line).isdigit() else 0


def _next(item: dict[str, Any]) -> Iterator[str]:
    """What helps, and the commands that it takes in its state."""
    if item.get("help"):
        yield f"\nhelp: {item['help']}"
    if takes := item.get("takes"):
        yield "\nnext"
        for verb in takes:
            line = f"tillflow work {verb} {item['id']} -r WHY"
            yield f"  {line:<44} {_STEPS[verb]}"
    if item["level"] == "record" and "edit" in item.get("takes", ()):
        yield "  the body is edited as a file of its own: keep a header row that stands in it"


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")


def _place(headers: dict[str, Any]) -> str:
    """File and line of the source record."""
    return ":".join(str(headers[name]) for name in ("h-file", "h-line") if headers.get(name))


def _keys(search: Any) -> str:
    if not isinstance(search, dict):
        return excerpt(str(search), CUT)
    named = any(name not in ("key", "file") for name in search)
    left_out = {"key"} if named else set()
    return " ".join(
        f"{k}={excerpt(str(v), CUT)}" for k, v in search.items() if k not in left_out and not k.startswith("key.")
    )

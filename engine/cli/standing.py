"""Revisions as `tillflow status` and `tillflow history` tell of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.cli.output import escape, inline, out, table

_BECAME = {"activate": "active", "reject": "rejected", "revert": "taken back", "take-back": "taken back"}


def headline(answer: Mapping[str, Any]) -> str:
    """`running, revision 7 (0537cd268788), by ana: refunds`."""
    state = {"new": "running", "store_down": "the store is down"}.get(answer["state"], answer["state"])
    told = state if answer["running"] else "not running"
    active = (answer["revisions"] or {}).get("active")
    if active is None:
        return f"{told}, revision {answer['revision'][:12]}"
    by = f", by {active['author']}: {active['reason']}" if active["author"] else ""
    return f"{told}, revision {active['number']} ({active['revision'][:12]}){by}"


def show_standing(standing: Mapping[str, Any] | None) -> None:
    """Processes that are not all the same, the last edit that was not taken, what is on probation or on its way out."""
    if not standing:
        return
    console = out()
    rows = list(_processes(standing))
    if rows:
        console.print("\n[bold]processes[/]")
        console.print(table(("process", "wanted", "runs", "state", "why"), rows))
    if standing["last_error"]:
        _show_edit(standing["last_error"])
    for one in standing["probation"]:
        console.print("\n" + inline(f"{one['route']} is on probation since {one['since'][:19]} UTC"))
    if standing["retiring"]:
        console.print("\n" + inline(f"removed, and finishing what is left: {', '.join(standing['retiring'])}"))


def show_history(revisions: Sequence[Mapping[str, Any]]) -> None:
    """For people: a table, then what became of each, line by line."""
    rows = [
        (one["number"], one["revision"][:12], one["state"], one["at"][:19], one["author"], one["reason"], one["routes"])
        for one in revisions
    ]
    heads = ("revision", "id", "state", "since (UTC)", "author", "reason", "routes")
    out().print(table(heads, rows, ("revision", "routes")))
    for one in revisions:
        told = [event for event in one.get("events", ()) if event["action"] in _BECAME]
        if told:
            out().print(f"\nrevision {one['number']}")
        for event in told:
            when = event["at"][:19].replace("T", " ")
            out().print(inline(f"  {when}  {_BECAME[event['action']]} by {event['actor']}: {event['reason']}"))
            for risk in event.get("accepts", ()):
                out().print(inline(f"    accepts {risk['risk']} of {risk['route']}"))
        if one["state"] == "rejected" and one["problem"]:
            out().print(inline(f"{one['number']} was not taken, or taken back: {one['problem']}"))


def _show_edit(error: Mapping[str, Any]) -> None:
    """The last edit that was not taken, or that waits to be tried again."""
    console, next_try = out(), error.get("next_try", "")
    what = "waits" if next_try else "was not taken"
    console.print(f"\n[bold]the last edit {what}[/] ({error['at'][:19]} UTC)")
    console.print(escape(f"{error['text']}:"))
    for problem in error["problems"]:
        console.print(inline(f"  waiting for {problem}" if next_try else f"  {problem}"))
    if next_try:
        console.print(f"  next try at {next_try[11:19]} UTC; another save takes its place")


def _processes(standing: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Several of them; one only where it does not run what is wanted."""
    wanted = standing["wanted"]
    if wanted is None:
        return
    told = standing["processes"]
    if len(told) > 1 or any(one["stage"] != "running" for one in told):
        for one in told:
            yield one["worker"], wanted["revision"][:12], one["runs"][:12], one["stage"], one["problem"]

"""What runs and how it stands: status."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import typer

from engine.cli.ahead import here_only, next_step, show_files
from engine.cli.output import Form, FormatOption, inline, out, print_json, table
from engine.cli.owner import Owner, ask
from engine.cli.project import ProjectOption, StateOption, settings_for
from engine.cli.standing import headline, show_standing
from engine.core.money import MINOR_UNITS, for_currency


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(status)


def status(project: ProjectOption = None, state: StateOption = None, form: FormatOption = Form.HUMAN) -> None:
    """What runs in which revision and whether the files are still that, routes with their figures, queues, connections and open work items."""
    settings = settings_for(project, state)

    async def question(owner: Owner) -> Any:
        files = await owner.get("/revisions/files")
        return {"running": owner.running, **await owner.get("/status"), "files": files}

    answer = ask(settings, question)
    here_only(answer["files"], settings.project)
    answer["files"]["next"] = next_step(answer)
    if form is Form.JSON:
        print_json(answer)
        return
    _show_status(answer)


_FIGURES = (
    "received",
    "applied",
    "not_selected",
    "filtered",
    "discarded",
    "superseded",
    "work_items",
    "in_flight",
    "duplicates",
)

_ALWAYS = ("received", "applied", "work_items", "in_flight")


_OUTCOMES = ("received", "routed", "filtered", "published", "applied", "retrying", "work-item", "duplicate")


def _show_status(answer: dict[str, Any]) -> None:
    out().print(inline(headline(answer)))
    _show_figures(answer)
    _show_missing(answer["missing"])
    _section("problems", [(p["part"], p["why"]) for p in answer["problems"]])
    show_standing(answer["revisions"])
    show_files(answer)
    workers = [(w["worker"], w["state"], w["since"][:19], w["pid"], len(w["problems"])) for w in answer["workers"]]
    _section("workers", workers)
    _section("promises", [_promise(one) for one in answer["promises"]])
    _show_work(answer)
    _section("waiting", [(q["queue"], q["ready"], q["delayed"], q["unacked"]) for q in _busy(answer["queues"])])
    _section("connections", [(c["connection"], _connection(c)) for c in answer["connections"]])
    if any(w["state"] == "open" for w in answer["work"]):
        out().print("\nLook further with `tillflow work list` and `tillflow trace KEY`.")


def _show_figures(answer: dict[str, Any]) -> None:
    """Figures of routes whose events are remembered one by one, then what is known of the others."""
    figures = [f for f in answer["figures"] if not f.get("sink")]
    if figures:
        told = [name for name in _FIGURES if name in _ALWAYS or any(f[name] for f in figures)]
        rows = [(*_place(f), *(f[name] for name in told), "yes" if f["balanced"] else "NO") for f in answer["figures"]]
        heads = [name.replace("_", " ") for name in told]
        out().print(table(("route", "sink", *heads, "balanced"), rows, heads))
        _section("amounts", [row for f in answer["figures"] for row in _amounts(f)])
    elif _nothing_came(answer):
        out().print("Nothing was received yet.")
    _show_plain(answer["plain"])


def _nothing_came(answer: dict[str, Any]) -> bool:
    """As far as anybody remembers: of plain routes nothing is, where no engine runs."""
    known = answer["state"] != "store_down" and any(not one["plain"] for one in answer["routes"])
    return known and not any(w["state"] == "open" for w in answer["work"])


def _show_plain(plain: list[dict[str, Any]]) -> None:
    """Routes without an inbox: what the process that answers counted, else why there is nothing to count."""
    if not plain:
        return
    outcomes = [name for name in _OUTCOMES if any(name in one["outcomes"] for one in plain)]
    if outcomes:
        out().print("\n[bold]plain routes[/], counted since the process that answers was started")
        rows = [(one["route"], *(one["outcomes"].get(name, 0) for name in outcomes)) for one in plain]
        out().print(table(("route", *outcomes), rows, outcomes))
        return
    names = ", ".join(one["route"] for one in plain)
    text = f"{names}: no figures, these are plain routes. A running engine counts their events; row by row it remembers"
    out().print(inline(f"{text} those of routes with `criticality: financial` or `route_once: true`."))
    out().print(inline("`tillflow trace KEY` tells what became of one."))


def _show_work(answer: dict[str, Any]) -> None:
    _section("open work items", [(w["route"], w["reason"], w["count"]) for w in answer["work"] if w["state"] == "open"])
    for one in answer["refused"]:
        text = (
            f"{one['route']}: {one['count']} of these refused at the door (whole records or files); they are no events"
        )
        out().print(inline(f"{text} yet, so they are not among the received."))
    for one in answer["conflicts"]:
        text = f"{one['route']}: {one['count']} of these are other records under the key of an event that came before"
        out().print(inline(f"{text}; the figures count the event, by its first record."))


def _show_missing(lost: list[dict[str, Any]]) -> None:
    """Events that were taken in, and neither were decided nor wait: with what to do."""
    heads = ("route", "day", "taken in", "decided", "waiting", "missing")
    rows = [(m["route"], m["day"], m["taken_in"], m["decided"], m["waiting"], m["missing"]) for m in lost]
    if not rows:
        return
    out().print("\n[bold]missing[/]: taken in, never decided, and not waiting: what lay in a queue that was deleted")
    out().print(table(heads, rows, heads[2:]))
    for one in lost:
        some = ", ".join(f"{e['event'][:16]} ({e['place']})" if e["place"] else e["event"][:16] for e in one["events"])
        more = f" and {one['missing'] - len(one['events'])} more" if one["missing"] > len(one["events"]) else ""
        out().print(inline(f"{one['route']}, {one['day']}: {some}{more}"))
        out().print(inline(f"  help: {one['help']}"))


def _connection(one: dict[str, Any]) -> str:
    if one["state"] == "failing":
        return f"failing since {one['since'][:19].replace('T', ' ')} UTC: {one['why']}"
    return _CONNECTION[one["state"]]


def _place(figures: dict[str, Any]) -> tuple[str, str]:
    """The route stands once, above its sinks."""
    return ("", figures["sink"]) if figures["sink"] else (figures["route"], "")


def _amounts(figures: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    for currency, received in sorted(figures["received_amount"].items()):
        applied = figures["applied_amount"].get(currency, "0")
        yield (*_place(figures), currency, *_to_the_cent((Decimal(received), Decimal(applied)), currency))


def _to_the_cent(amounts: tuple[Decimal, ...], currency: str) -> tuple[str, ...]:
    """As the currency has it; of one that is not known, all alike: 54.90 and 12.00, or 55 and 12."""
    if currency in MINOR_UNITS:
        return tuple(str(for_currency(amount, currency)) for amount in amounts)
    most = max(-int(amount.as_tuple().exponent) for amount in amounts)
    return tuple(f"{amount:.{max(2, most) if most > 0 else 0}f}" for amount in amounts)


def _promise(one: dict[str, Any]) -> tuple[Any, ...]:
    found = "nothing to judge by" if one["found"] is None else _measured(one["promise"], one["found"])
    return (
        one["route"],
        one["promise"],
        _measured(one["promise"], one["wanted"]),
        found,
        {True: "kept", False: "BROKEN"}.get(one["kept"], ""),
    )


def _measured(promise: str, value: Any) -> str:
    """With its unit: latencies are seconds, `success` is a share, the rest counts events."""
    number = float(value)
    if promise.startswith("latency"):
        return f"{number:g} s"
    return f"{number * 100:g} %" if promise == "success" else f"{number:g} event{'' if number == 1 else 's'}"


def _busy(queues: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (q for q in queues if q["ready"] or q["delayed"] or q["unacked"])


_HEADS = {
    "amounts": ("route", "sink", "currency", "received", "applied"),
    "promises": ("route", "promise", "wanted", "found", "state"),
    "problems": ("what", "why"),
    "workers": ("worker", "state", "since (UTC)", "pid", "problems"),
    "open work items": ("route", "reason", "count"),
    "waiting": ("queue", "ready", "delayed", "in hand"),
    "connections": ("connection", "state"),
}
_CONNECTION = {
    "ok": "ok",
    "open": "left alone: it failed too often",
    "not_tried": "not tried yet by the process that answers",
}


_NUMBERS = ("received", "applied", "wanted", "found")


def _section(name: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        out().print(f"\n[bold]{name}[/]")
        out().print(table(_HEADS[name], rows, ("count", "ready", "delayed", "in hand", "pid", "problems", *_NUMBERS)))

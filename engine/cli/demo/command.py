"""The command `tillflow demo`."""

from __future__ import annotations

import asyncio
import shlex
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.demo.day import Day, run_day
from engine.cli.demo.ground import MISSING, PRODUCTS
from engine.cli.demo.totals import Totals, reckon
from engine.cli.output import Exit, Form, FormatOption, err, escape, fail, out, print_json, progress, table
from engine.cli.project import ProjectOption, settings_for
from engine.cli.started import started_as


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(demo)


def demo(
    project: ProjectOption = None,
    folder: Annotated[
        Path | None, typer.Option("--into", help="Where the day's files go. Default: .tillflow/demo.")
    ] = None,
    form: FormatOption = Form.HUMAN,
) -> None:
    """Run a business day of several stores through the shipped routes, with everything that goes wrong on such a day."""
    settings = settings_for(project)
    if not (settings.project / "routes" / "pos-ingest.yaml").exists():
        fail(
            "the demo runs the routes that come with tillflow, and they are not here",
            Exit.USAGE,
            "run it in tillflow's own folder",
        )
    place = (folder or settings.project / ".tillflow" / "demo").absolute()
    if place.exists():
        if any(place.iterdir()) and not any((place / made).exists() for made in ("state", "project")):
            fail(f"{place} holds something that is not a demo", Exit.USAGE, "name another folder with --into")
        shutil.rmtree(place)
    if form is Form.HUMAN:
        err().print(
            "Five stores open: POSLog and two flavours of CSV, some files twice, one corrupt, one service down for a while."
        )
    with progress() as bar:
        task = bar.add_task("events", total=None)
        day = asyncio.run(run_day(settings, place, lambda done, all_: bar.update(task, completed=done, total=all_)))
    totals = reckon(place / "state")
    if form is Form.JSON:
        print_json(_as_json(day, totals))
    else:
        _show(day, totals)
    if not totals.agree or _differs(day, totals):
        fail("the day does not balance: that must never happen")


def _differs(day: Day, totals: Totals) -> bool:
    """Amounts of the stores as they were made up, against those the engine counted."""
    made_up = day.story.gross()
    return any(store.received != made_up.get(store.id) for store in totals.stores) or len(made_up) != len(totals.stores)


def _as_json(day: Day, totals: Totals) -> dict[str, Any]:
    counts = {name: getattr(totals, name) for name in ("received", "applied", "filtered", "work_items")}
    stores = [
        {
            "store": s.id,
            "currency": s.currency,
            **{name: f"{getattr(s, name):.2f}" for name in ("received", "applied", "filtered", "work_items")},
        }
        for s in totals.stores
    ]
    return {
        "totals": counts,
        "stores": stores,
        "duplicates": totals.duplicates,
        "work": [{"route": w["route"], "reason": w["reason"], "detail": w["detail"]} for w in day.work],
        "refused_for_a_while": day.stand_in.refused,
        "seconds": f"{day.seconds:.1f}",
    }


def _show(day: Day, totals: Totals) -> None:
    console = out()
    console.print(f"\n[bold]A business day[/]: {len(day.story.files)} files, {day.seconds:.1f} s\n")
    heads = ("store", "currency", "received", "applied", "filtered", "work items", "agrees")
    rows = [
        (
            s.id,
            s.currency,
            *(f"{x:.2f}" for x in (s.received, s.applied, s.filtered, s.work_items)),
            "yes" if s.agrees else "NO",
        )
        for s in totals.stores
    ]
    console.print(table(heads, rows, heads[2:6]))
    console.print("\n[bold]Every source record counts once[/]")
    console.print(
        f"received {totals.received} = applied {totals.applied} + filtered {totals.filtered} + work items {totals.work_items}"
    )
    console.print(
        f"copies absorbed: {totals.duplicates}; the loyalty service refused {day.stand_in.refused} requests and got each point once\n"
    )
    console.print("[bold]What waits for a person[/]")
    console.print(
        table(("id", "route", "reason", "detail"), [(w["id"], w["route"], w["reason"], w["detail"]) for w in day.work])
    )
    _show_more(day)


def _show_more(day: Day) -> None:
    """Commands that can be typed as they stand, one after the other: looking, then one item to its end."""
    console = out()
    console.print("\nLook further:")
    for words in (["status"], ["trace", "receipt=1004"], ["work", "list"]):
        console.print(f"  {escape(_line(day, *words))}")
    item = next((w for w in day.work if w["reason"] == "unknown-sku"), None)
    if item is None:
        return
    products = shlex.quote(str(_short(day.folder / "project" / PRODUCTS)))
    console.print(
        escape(f"\nFinish one of them: {item['id']}, a product that is in no table. Add it, and have its sale tried")
    )
    console.print("again; the engine does it when it runs (stop it with Ctrl-C). The trace then ends with `applied`.")
    why = ["-r", "the product is in the table now"]
    for line in (
        f"echo {shlex.quote(MISSING)} >> {products}",
        _line(day, "work", "replay", item["id"], *why),
        _line(day, "run"),
        _line(day, "trace", item["id"]),
        _line(day, "status"),
    ):
        console.print(f"  {escape(line)}")


def _line(day: Day, *words: str) -> str:
    where = ["--project", str(_short(day.folder / "project")), "--state", str(_short(day.folder / "state"))]
    return shlex.join([*started_as(), *words, *where])


def _short(path: Path) -> Path:
    """As it is named from here, where it lies below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path

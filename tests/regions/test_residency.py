"""Data stays in the zone its country says: whatever kind of step or sink reaches out, and however late it does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from engine.compile.plan import PlannedConnection, RouteSet
from engine.runtime.engine import Engine
from tests.regions.site import BASE, CONNECTIONS, REGIONS, SITE, errors, overlay, pack, sold
from tests.runtime.lab import Bench, bench, settle, virtual
from tests.runtime.routes import route

FAR = {"routes/connections.yaml": CONNECTIONS + "  far: {connector: lab, zone: us, limits: {concurrency: 1}}\n"}
NEAR = "to:\n  - {id: tell, use: lab, connection: outside, action: note, with: {reference: receipt}}\n"
ASK = "  - {id: asked, call: {use: lab, connection: CONNECTION, action: ask, with: {reference: receipt}, into: extensions.local.a}}\n"
TAP = "  - {id: copied, wire_tap: {sink: copy}}\n"
COPY = "  - {id: copy, use: lab, connection: far, action: note, with: {reference: receipt}}\n"
INSIDE = (
    f"  - id: chosen\n    choose:\n      - otherwise: true\n        steps:\n        {ASK.replace('CONNECTION', 'far')}"
)
LIKE = FAR["routes/connections.yaml"] + "  alike: {connector: lab, like: far}\n"


def only(name: str, steps: str = "", to: str = NEAR, files: Mapping[str, str] = FAR) -> dict[str, str]:
    """A project with packs in which this one route takes the sales."""
    body = f"from: {{event: sale@1}}\n{'steps:' if steps else ''}\n{steps}{to}"
    kept = {path: text for path, text in BASE.items() if path not in ("routes/plain.yaml", "routes/posting.test.yaml")}
    return kept | dict(files) | pack("de") | pack("es") | {f"routes/{name}.yaml": route(name, body)}


@pytest.mark.parametrize(
    ("steps", "to", "files"),
    [
        pytest.param(ASK.replace("CONNECTION", "far"), NEAR, FAR, id="a call"),
        pytest.param(INSIDE, NEAR, FAR, id="a call inside another step"),
        pytest.param(TAP, NEAR + COPY, FAR, id="a copy by a wire tap"),
        pytest.param("", NEAR.replace("outside", "far"), FAR, id="a sink"),
        pytest.param(
            "",
            NEAR.replace("outside", "alike"),
            {"routes/connections.yaml": LIKE},
            id="a sink with the zone of another",
        ),
    ],
)
def test_whatever_reaches_out_of_the_zone_is_refused_when_files_are_checked(
    steps: str, to: str, files: Mapping[str, str]
) -> None:
    found = errors(only("reaching", steps, to, files))

    assert {one.code for one in found} == {"TF6020"}
    assert {one.mark.file for one in found} == {"routes/reaching.yaml"}
    assert errors(only("reaching", ASK.replace("CONNECTION", "outside"))) == []


def test_what_a_region_fills_in_is_refused_too() -> None:
    fill = (
        "fill:\n  fiscal:\n    - {id: asked, call: "
        "{use: lab, connection: far, action: ask, with: {reference: receipt}, into: extensions.fiscal.a}}\n"
    )
    calling = {"routes/posting.yaml": BASE["routes/posting.yaml"].replace("[pure, reads]", "[pure, reads, calls]")}
    files = BASE | calling | FAR | pack("de") | pack("es") | overlay("es", fill)
    assert {one.code for one in errors(files)} == {"TF6020"}


# --- at run time: the connections were moved after the files were checked ------------------------------------------------


def _moved(routes: RouteSet, zone: str) -> RouteSet:
    moved: dict[str, PlannedConnection] = {
        name: replace(connection, zone=zone) for name, connection in routes.connections.items()
    }
    return replace(routes, connections=moved)


@asynccontextmanager
async def moved(made: Bench, files: Mapping[str, str], zone: str = "us") -> AsyncIterator[Engine]:
    """An engine that runs, whose connections stand elsewhere."""
    engine = made.engine(files)
    engine.plans.replace(_moved(engine.plans.routeset, zone))
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


DELAY = "  - {id: later, delay: {for: 1h}}\n"
DAILY = (
    "  - id: daily\n    aggregate:\n      by: country\n      complete: {within: 1h}\n"
    "      first: {store: store, country: country, receipt: receipt, date: date, total: total}\n      output: sale@1\n"
)


@pytest.mark.parametrize(
    ("steps", "level"),
    [
        pytest.param(ASK.replace("CONNECTION", "outside"), "event", id="a call"),
        pytest.param(DELAY, "delivery", id="a sink, behind a delay"),
        pytest.param(DAILY, "delivery", id="a sink, behind a group"),
    ],
)
@virtual
async def test_what_would_leave_waits_for_a_person_in_its_own_zone(steps: str, level: str) -> None:
    async with bench() as made:
        async with moved(made, only("reaching", steps)):
            made.lab.offer(sold("2", "B", "ES"))
            await settle(2 * 3600.0)
        (item,) = [item for item in await made.items() if item.route == "reaching"]
        assert (item.reason, item.level) == ("residency", level)
        assert made.lab.sent == made.lab.calls == []
        assert "must not leave `eu`" in item.detail


@virtual
async def test_a_replay_goes_out_only_once_the_connection_stands_where_it_may() -> None:
    files = only("reaching")
    async with bench() as made:
        async with moved(made, files) as engine:
            made.lab.offer(sold("2", "B", "ES"))
            await settle()
            (item,) = [item for item in await made.items() if item.route == "reaching"]
            await engine.control.work_replay(item.id, "ann", "try")
            await settle()
            (item,) = [item for item in await made.items() if item.route == "reaching"]
            assert (item.reason, made.lab.sent) == ("residency", [])
        async with moved(made, files, "eu") as engine:
            await engine.control.work_replay(item.id, "ann", "it was moved back")
            await settle()
        assert [request["reference"] for request in made.lab.requests("note")].count("2") == 1


@virtual
async def test_what_is_told_of_it_holds_no_value_of_the_event() -> None:
    """The log and the journal of what must not leave: names and ids only."""
    files = {path: text for path, text in SITE.items() if path != "routes/plain.yaml"}
    assert REGIONS.items() <= files.items()
    async with bench() as made:
        async with moved(made, files):
            made.lab.offer(sold("2", "B", "ES", total=123.45))
            await settle()
        (item,) = await made.items()
        told = f"{item.detail} {made.lab.logged} {[entry.detail for entry in await made.story(item.event_id)]}"
        assert item.reason == "residency" and "123.45" not in told

"""Regions while the engine runs: revisions know their Plans, a change is built from what changed, and nothing leaves."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from engine.backends.secrets import DictSecrets
from engine.compile.compiler import compile_project
from engine.compile.partial import NotTheSame, build
from engine.compile.plan import PlannedConnection, RouteSet
from engine.compile.reuse import Memory
from engine.config.project import read_project_from
from engine.runtime.carrying.codec import Delivery, Routed
from tests.regions.site import BASE, CITY, SITE, SPAIN, compiled, overlay, pack, registry, sold
from tests.runtime.lab import bench, running, settle, virtual


def raw(files: Mapping[str, str]) -> dict[str, bytes]:
    return {path: text.encode() for path, text in files.items()}


def load(files: Mapping[str, bytes]) -> RouteSet:
    return compiled({path: text.decode() for path, text in files.items()})[0]


def whole(files: Mapping[str, str]) -> RouteSet:
    return replace(compiled(files)[0], files=raw(files))


def test_every_plan_has_a_name_in_a_revision() -> None:
    routes = whole(SITE | CITY)
    assert {name for name in routes.digests if " " in name} == {
        "posting city-posting",
        "posting es-posting",
        "posting es-posting city-posting",
    }
    assert sorted(routes.digests.values()) == sorted(plan.digest for plan in routes.every_plan)


def test_what_stays_is_the_same_object() -> None:
    before, wanted = whole(SITE), whole(SITE | CITY)
    after = build(wanted.files, wanted.digest, wanted.digests, before, load)
    assert after.digests == wanted.digests
    old = {plan.digest: plan for plan in before.every_plan}
    assert all(plan is old[plan.digest] for plan in after.every_plan if plan.digest in old)
    assert after.regional.keys() == wanted.regional.keys()
    scope = '{"country":"ES","brand":"city"}'
    ground = after.regional["posting"].at(scope).ground
    assert ground is not None and ground.on("2027-06-01").overlays == ("es-posting", "city-posting")


def test_another_route_is_built_without_touching_the_regions() -> None:
    changed = SITE | {"routes/plain.yaml": SITE["routes/plain.yaml"].replace("version: 1.0.0", "version: 1.1.0")}
    before, wanted = whole(SITE), whole(changed)
    after = build(wanted.files, wanted.digest, wanted.digests, before, load)
    assert after.regional["posting"] is before.regional["posting"]
    assert after.plans["plain"].version == "1.1.0" and "plain" in after.regional


def test_a_country_that_only_joins_is_known_afterwards() -> None:
    before, wanted = whole(SITE), whole(SITE | pack("us"))
    assert before.digests == wanted.digests and before.digest != wanted.digest
    after = build(wanted.files, wanted.digest, wanted.digests, before, load)
    assert after.regional["plain"].at('{"country":"US"}').ground is not None


def test_other_plans_of_a_region_are_refused() -> None:
    wanted = whole(SITE)
    plans = {**wanted.digests, "posting es-posting": "0" * 32}
    with pytest.raises(NotTheSame, match="posting"):
        build(wanted.files, wanted.digest, plans, whole(BASE), load)


@pytest.mark.parametrize("scope", ["brand: lookup('stores', store).country", "brand: store"])
def test_projects_that_differ_in_their_scopes_only_are_two_revisions(scope: str) -> None:
    other = {
        "routes/scopes.yaml": SITE["routes/scopes.yaml"].replace("brand: lookup('stores', store).brand", scope),
    }
    before, after = whole(SITE | CITY), whole(SITE | CITY | other)
    assert before.digests == after.digests
    assert before.digest != after.digest


def test_a_scope_travels() -> None:
    from engine.core.event import Event

    event = Event("1", "sale@1", "s", {}, 0, "2027-01-01", region="ES")
    routed = Routed(event, segment="wait", scope='{"country":"ES"}')
    assert Routed.read(routed.headers(), b"{}").scope == routed.scope
    delivery = Delivery("d", "2027-01-01", "r", "s", "e", event, {}, scope=routed.scope)
    read = Delivery.read(delivery.headers(), b"{}")
    assert (read.scope, read.event.region) == (routed.scope, "ES")


@virtual
async def test_a_recorded_plan_of_a_region_is_found_again() -> None:
    files = {path: text for path, text in SITE.items() if path != "routes/plain.yaml"}
    files |= overlay("es", SPAIN.partition("expects_change")[0])  # a recorded Plan is compiled without the tests
    async with bench() as made:
        async with running(made, files) as engine:
            digest = engine.plans.routeset.digests["posting es-posting"]
        other = overlay("es", "set: {way: summary}\n")
        async with running(made, files | other) as engine:
            assert digest not in engine.plans.routeset.digests.values()
            found = await engine.plans.recorded(digest)
        assert found is not None and found.digest == digest and found.params["most"] == 200


def _moved(routes: RouteSet, zone: str) -> RouteSet:
    """Every connection stands elsewhere: what nobody saw when the files were checked."""
    moved: dict[str, PlannedConnection] = {
        name: replace(connection, zone=zone) for name, connection in routes.connections.items()
    }
    return replace(routes, connections=moved)


@virtual
async def test_data_does_not_leave_its_zone_at_run_time_either() -> None:
    files = {path: text for path, text in SITE.items() if path != "routes/plain.yaml"}
    async with bench() as made:
        engine = made.engine(files)
        engine.plans.replace(_moved(engine.plans.routeset, "us"))
        await engine.start()
        try:
            made.lab.offer(sold("2", "B", "ES"))
            await settle()
        finally:
            await engine.stop()
        (item,) = await made.items()
        assert (item.reason, item.sink, made.lab.sent) == ("residency", "erp", [])
        assert "must not leave `eu`" in item.detail


@virtual
async def test_an_engine_elsewhere_does_not_decide_it() -> None:
    files = {path: text for path, text in SITE.items() if path != "routes/plain.yaml"}
    async with bench() as made:
        cell = made.cell()
        made.cell = lambda: dataclasses.replace(cell, zone="us")  # type: ignore[method-assign]
        engine = made.engine(files)
        await engine.start()
        try:
            made.lab.offer(sold("2", "B", "ES"))
            await settle()
        finally:
            await engine.stop()
        (item,) = await made.items()
        assert (item.reason, item.level, made.lab.sent) == ("residency", "event", [])


def test_what_was_compiled_before_is_not_compiled_again() -> None:
    memory, plugins = Memory(), registry()

    def again(files: Mapping[str, str]) -> RouteSet:
        project, _ = read_project_from(raw(files), {})
        return compile_project(project, plugins, DictSecrets({}), memory)[0]

    first, second = again(SITE | CITY), again(SITE | CITY)
    assert all(one is other for one, other in zip(first.every_plan, second.every_plan, strict=True))
    changed = SITE | CITY | overlay("es", SPAIN.replace("most: 200", "most: 201"))
    third = {plan.digest: plan for plan in again(changed).every_plan}
    old = {plan.digest: plan for plan in first.every_plan}
    assert len(third.keys() - old.keys()) == 2  # Spain, and the brand in Spain
    assert all(third[digest] is old[digest] for digest in third.keys() & old.keys())


def test_a_region_that_changed_is_on_probation() -> None:
    before, after = whole(SITE), whole(SITE | CITY)
    assert before.plans["posting"].digest == after.plans["posting"].digest
    assert {route for route in after.by_route if before.by_route[route] != after.by_route[route]} == {"posting"}

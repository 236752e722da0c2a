"""A country is files: its pack, overlays, routes, mappings and cases change nothing of anybody else."""

from __future__ import annotations

from engine.compile.diff import diff
from tests.regions.site import CITY, SITE, compiled, overlay, pack
from tests.runtime.routes import route

COUNTRY = {
    **pack("xx"),
    **overlay(
        "xx",
        """
set: {most: 10}
fill:
  fiscal:
    - {id: numbered, set: {extensions.fiscal.number: receipt}}
fill_mapping:
  sale-to-entry:
    more: {number: {expr: extensions.fiscal.number, optional: true}}
""",
    ),
    "routes/regions/xx/xx-report.yaml": route(
        "xx-report",
        "from: {event: sale@1}\nto:\n"
        "  - {id: report, use: lab, connection: outside, action: note, map: xx-sale-to-line}\n",
    ),
    "mappings/regions/xx/xx-sale-to-line.yaml": "tillflow: 1\nmapping: xx-sale-to-line\ninput: sale@1\nfields: {reference: receipt}\n",
    "routes/regions/xx/cases/sale.json": '{"store": "X", "country": "XX", "receipt": "1", "date": "2026-03-14", "total": 10}',
}


def test_everything_of_the_others_stays_the_same() -> None:
    before, found = compiled(SITE | CITY)
    after, more = compiled(SITE | CITY | COUNTRY)
    assert found == more == []
    assert {name: after.plans[name].digest for name in before.plans} == {n: p.digest for n, p in before.plans.items()}
    for name, regional in before.regional.items():
        for codes, ground in regional.grounds.items():
            mine = [(span.since, span.until, span.plan.digest) for span in ground.spans]
            theirs = [(s.since, s.until, s.plan.digest) for s in after.regional[name].grounds[codes].spans]
            assert mine == theirs, (name, codes)


def test_the_country_has_what_it_brings() -> None:
    routes, _ = compiled(SITE | COUNTRY)
    assert routes.plans.keys() >= {"xx-report"}
    ground = routes.regional["posting"].at('{"country":"XX"}').ground
    assert ground is not None
    plan = ground.on("2026-03-14").plan
    assert plan.digest != routes.plans["posting"].digest and plan.params["most"] == 10
    assert ground.on("2026-03-14").overlays == ("xx-posting",)


def test_what_comes_of_it_is_told() -> None:
    before, after = compiled(SITE)[0], compiled(SITE | COUNTRY)[0]
    assert before.digest != after.digest
    told = diff(before, after)
    assert told.added == ("xx-report",) and set(told.changed) == {"posting", "plain"}
    assert "posting: added xx" in [text for change in told.changes for text in change.texts]


def test_a_change_of_a_country_is_told_as_one_of_it() -> None:
    changed = COUNTRY | {
        "routes/regions/xx/posting.overlay.yaml": COUNTRY["routes/regions/xx/posting.overlay.yaml"].replace(
            "most: 10", "most: 20"
        )
    }
    (change,) = diff(compiled(SITE | COUNTRY)[0], compiled(SITE | changed)[0]).changes
    assert change.route == "posting" and all("xx" in text for text in change.texts)


def test_equal_plans_are_one() -> None:
    routes, _ = compiled(SITE | CITY | COUNTRY)
    plain = {id(span.plan) for _, span in routes.regional["plain"].spans()}
    assert plain == {id(routes.plans["plain"])}

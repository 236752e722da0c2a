"""Overlays that change while the engine runs."""

from __future__ import annotations

from tests.fixtures.sale import SALE_TYPE
from tests.reload.yard import Yard, on_both
from tests.runtime.lab import CONNECTIONS
from tests.runtime.routes import FROM_SALES, INGEST, route

COUNTRY = SALE_TYPE.replace("required: [store,", "required: [country, store,").replace(
    "  store: {type: string}\n", "  store: {type: string}\n  country: {type: string}\n"
)
POSTING = route(
    "posting",
    "params:\n  mark: {type: text, default: base, overridable_by: [country]}\n"
    + FROM_SALES
    + "to:\n  - {id: erp, use: lab, connection: outside, action: post, with: {reference: receipt, extra: param('mark')}}\n",
)
PACK = "tillflow: 1\npack: es\nlayer: country\nfor: {country: ES}\nowner: compliance\nresidency: eu\n"
OVERLAY = "tillflow: 1\noverlay: es-posting\nbase: posting@^1\nset: {mark: es}\n"


def _laid(yard: Yard) -> None:
    yard.files |= {
        "mappings/schemas/sale@1.yaml": COUNTRY,
        "routes/ingest.yaml": INGEST,
        "routes/posting.yaml": POSTING,
        "routes/scopes.yaml": "tillflow: 1\nscopes:\n  country: country\n",
        "routes/connections.yaml": CONNECTIONS + "  outside-es: {connector: lab, zone: eu, limits: {concurrency: 1}}\n",
        "routes/regions/es/pack.yaml": PACK,
        "routes/regions/es/posting.overlay.yaml": OVERLAY,
    }


def _sale(receipt: str, country: str) -> dict[str, object]:
    return {"store": "A", "country": country, "receipt": receipt, "date": "2026-03-14", "total": 10}


@on_both
async def test_an_overlay_changes_under_way(yard: Yard) -> None:
    _laid(yard)
    async with yard.running() as engine:
        yard.lab.offer(_sale("1", "ES"), "1.json")
        await yard.until(lambda: len(yard.lab.sent) == 1)
        base = engine.plans.routeset.plans["posting"]
        yard.files["routes/regions/es/posting.overlay.yaml"] = OVERLAY.replace("mark: es", "mark: new") + (
            "connect: {erp: outside-es}\n"
        )
        await yard.saved(engine)
        assert engine.plans.routeset.plans["posting"] is base
        yard.lab.offer(_sale("2", "ES"), "2.json")
        await yard.until(lambda: len(yard.lab.sent) == 2)
        assert [(request["reference"], request["extra"]) for _, _, request in yard.lab.sent] == [
            ("1", "es"),
            ("2", "new"),
        ]
        assert "outside-es.financial" in {state.lane for state in engine.lanes.states()}


@on_both
async def test_a_country_joins_under_way(yard: Yard) -> None:
    _laid(yard)
    async with yard.running() as engine:
        yard.lab.offer(_sale("1", "PT"), "1.json")
        await yard.until(lambda: engine.routers["posting"].handled == 1)
        assert [item.reason for item in await yard.made.items()] == ["unknown-scope"]
        yard.files["routes/regions/pt/pack.yaml"] = PACK.replace("pack: es", "pack: pt").replace("ES", "PT")
        await yard.saved(engine)
        (item,) = await yard.made.items()
        await engine.control.work_replay(item.id, "ana", "the pack is there")
        await yard.until(lambda: len(yard.lab.sent) == 1)


@on_both
async def test_an_overlay_that_fits_nothing_changes_nothing(yard: Yard) -> None:
    _laid(yard)
    async with yard.running() as engine:
        yard.files["routes/regions/es/posting.overlay.yaml"] = OVERLAY.replace("mark: es", "mork: es")
        assert "TF3008" in await yard.refused(engine)
        yard.lab.offer(_sale("1", "ES"), "1.json")
        await yard.until(lambda: len(yard.lab.sent) == 1)
        assert yard.lab.sent[0][2]["extra"] == "es"


# --- tests before the swap, in every scope that changed ---------------------------------------------------------------

BOUNDED = route(
    "posting",
    "params:\n  most: {type: number, default: 100, min: 1, max: 500, overridable_by: [country]}\n"
    + FROM_SALES
    + "steps:\n  - {id: bounded, check: [{that: \"total <= param('most')\", otherwise: {work_item: too-much}}]}\n"
    + "to:\n  - {id: erp, use: lab, connection: outside, action: post, with: {reference: receipt}}\n",
)
HALF = (
    "sum([total, total]) <= param('most')"  # lets a sale of 10 pass where the bound is 100, none of 15 where it is 20
)
TESTS = """
tillflow: 1
tests:
  - name: a sale is posted once
    kind: promise
    route: posting
    given: {event: cases/sale.json, every_scope: true}
    expect: {sinks: {erp: {count: 1}}, work_items: []}
    invariants: [applied_at_most_once]
"""
CASE = '{"store": "A", "country": "%s", "receipt": "1", "date": "2026-03-14", "total": %d}'


def _promised(yard: Yard) -> None:
    """A promise of the base; Spain has a bound and a sale of its own, Portugal nothing but its pack."""
    _laid(yard)
    yard.files |= {
        "routes/posting.yaml": BOUNDED,
        "routes/posting.test.yaml": TESTS,
        "routes/cases/sale.json": CASE % ("DE", 10),
        "routes/regions/es/posting.overlay.yaml": OVERLAY.replace("mark: es", "most: 20"),
        "routes/regions/es/cases/sale.json": CASE % ("ES", 15),
        "routes/regions/pt/pack.yaml": PACK.replace("pack: es", "pack: pt").replace("ES", "PT"),
    }


@on_both
async def test_an_overlay_that_breaks_a_promise_is_refused_where_it_does(yard: Yard) -> None:
    _promised(yard)
    async with yard.running() as engine:
        yard.replace("routes/regions/es/posting.overlay.yaml", "most: 20", "most: 12")
        why = await yard.refused(engine)
        assert "routes/posting.test.yaml:4:11 test `a sale is posted once` fails in es: the count of erp" in why
        # nothing but Spain was tested, and a better one is taken
        assert yard.tested == [{"posting": ["es"]}]
        yard.replace("routes/regions/es/posting.overlay.yaml", "most: 12", "most: 16")
        await yard.saved(engine)


@on_both
async def test_a_base_route_that_breaks_a_promise_in_one_country_is_refused(yard: Yard) -> None:
    _promised(yard)
    async with yard.running() as engine:
        yard.replace("routes/posting.yaml", "total <= param('most')", HALF)
        why = await yard.refused(engine)
        assert "test `a sale is posted once` fails in es:" in why and "in pt" not in why
        assert why.count("fails") == 1 and yard.tested == [{"posting": ["", "es", "pt"]}]


@on_both
async def test_a_country_that_joins_keeps_the_promises_or_stays_outside(yard: Yard) -> None:
    _promised(yard)
    async with yard.running() as engine:
        strict = OVERLAY.replace("es-posting", "fr-posting").replace("mark: es", "most: 5")
        yard.files |= {
            "routes/regions/fr/pack.yaml": PACK.replace("pack: es", "pack: fr").replace("ES", "FR"),
            "routes/regions/fr/posting.overlay.yaml": strict,
        }
        assert "test `a sale is posted once` fails in fr:" in await yard.refused(engine)
        assert yard.tested == [{"posting": ["fr"]}]


@on_both
async def test_what_an_overlay_takes_away_with_it_is_tested_too(yard: Yard) -> None:
    """Its country runs as the base again, with a case that is the country's own."""
    _promised(yard)
    yard.replace("routes/posting.yaml", "default: 100", "default: 12")
    async with yard.running() as engine:
        del yard.files["routes/regions/es/posting.overlay.yaml"]
        assert "test `a sale is posted once` fails in es:" in await yard.refused(engine)

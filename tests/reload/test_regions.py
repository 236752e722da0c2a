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

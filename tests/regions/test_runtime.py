"""Which Plan decides an event: by its scope and business day, after ingress; and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.regions.site import BASE, CITY, SITE, overlay, pack, sold
from tests.runtime.lab import Bench, bench, figures_of, running, settle, virtual
from tests.runtime.routes import route


async def _sent(made: Bench, files: Mapping[str, str], *sales: dict[str, Any]) -> list[tuple[str, Any]]:
    """What is sent out when these sales come in."""
    async with running(made, files):
        for number, sale in enumerate(sales):
            made.lab.offer(sale, f"{number}.json")
        await settle()
    return [(action, request.get("extra") or request.get("reference")) for action, _, request in made.lab.sent]


def _posting(files: Mapping[str, str]) -> dict[str, str]:
    return {path: text for path, text in files.items() if path != "routes/plain.yaml"}


@virtual
async def test_an_event_runs_as_its_country_says() -> None:
    async with bench() as made:
        sent = await _sent(made, _posting(SITE), sold("1"), sold("2", "B", "ES"))
        assert sorted(map(str, sent)) == sorted(
            map(str, [("post", {"way": "line"}), ("note", "1"), ("post", {"way": "line", "rate": "10"})])
        )
        assert await made.items() == []


@virtual
async def test_norway_is_a_country() -> None:
    """Its code is a word that YAML 1.1 reads as no."""
    assert "country: NO}" in pack("no")["routes/regions/no/pack.yaml"]
    async with bench() as made:
        sent = await _sent(made, _posting({**SITE, **pack("no")}), sold("1", "A", "NO"))
        assert sorted(map(str, sent)) == sorted(map(str, [("post", {"way": "line"}), ("note", "1")]))
        assert await made.items() == []


@virtual
async def test_before_it_is_in_force_the_base_runs() -> None:
    async with bench() as made:
        sent = await _sent(made, _posting(SITE), sold("2", "B", "ES", date="2026-12-31"))
        assert sorted(map(str, sent)) == sorted(map(str, [("post", {"way": "line"}), ("note", "2")]))


@virtual
async def test_the_stronger_layer_comes_last() -> None:
    async with bench() as made:
        sent = await _sent(made, _posting({**SITE, **CITY}), sold("2", "C", "ES"))
        assert sent == []  # Spain takes the notes away, the brand the single posting
        assert await made.items() == []


@virtual
async def test_an_event_of_a_country_without_a_pack_waits_for_a_person() -> None:
    async with bench() as made:
        async with running(made, _posting(SITE)) as engine:
            made.lab.offer(sold("9", "U", "US"))
            await settle()
            (item,) = await made.items()
            figures = await figures_of(engine, "posting")
        assert (item.reason, item.route, item.level) == ("unknown-scope", "posting", "event")
        assert item.event_type == "sale@1" and "US" in item.detail and made.lab.sent == []
        assert figures["balanced"] and figures["work_items"] == 1


@virtual
async def test_once_the_pack_is_there_the_replay_goes_through() -> None:
    async with bench() as made:
        async with running(made, _posting(SITE)):
            made.lab.offer(sold("9", "U", "US"))
            await settle()
        (item,) = await made.items()
        async with running(made, _posting({**SITE, **pack("us")})) as engine:
            await engine.control.work_replay(item.id, "ann", "pack added")
            await settle()
        assert [action for action, _, _ in made.lab.sent].count("post") == 1
        assert await made.items() == []


@virtual
async def test_without_packs_no_scope_is_asked_for() -> None:
    async with bench() as made:
        sent = await _sent(made, _posting(BASE), sold("9", "U", "US"))
        assert len(sent) == 2


@virtual
async def test_a_store_nobody_knows_waits_for_a_person() -> None:
    async with bench() as made:
        sent = await _sent(made, _posting(SITE | CITY), sold("9", "Z", "ES"))
        assert sent == [] and [item.reason for item in await made.items()] == ["reference-missing"]


@virtual
async def test_what_was_decided_stays_decided_when_the_overlay_changes() -> None:
    """A copy that comes after a change is absorbed; its Plan was written down."""
    async with bench() as made:
        await _sent(made, _posting(SITE), sold("2", "B", "ES"))
        before = list(made.lab.sent)
        other = overlay("es", "effective: {since: 2027-01-01}\nset: {way: summary}\n")
        await _sent(made, _posting({**SITE, **other}), sold("2", "B", "ES"))
        assert made.lab.sent == before and await made.items() == []


@virtual
async def test_a_delivery_goes_to_the_connection_of_its_scope() -> None:
    async with bench() as made:
        async with running(made, _posting(SITE)) as engine:
            lanes = {state.lane for state in engine.lanes.states()}
        assert {"outside.financial", "outside-es.financial"} <= lanes


DELAYED = route(
    "later",
    "params:\n  word: {values: [base, other], default: base, overridable_by: [country]}\n"
    "from: {event: sale@1}\n"
    "steps:\n  - {id: wait, delay: {for: 1h}}\n"
    "to:\n  - {id: tell, use: lab, connection: outside, action: note, with: {reference: param('word')}}\n",
)


@virtual
async def test_what_a_cut_kept_goes_on_in_its_scope() -> None:
    files = _posting(BASE) | pack("de") | pack("es") | {"routes/later.yaml": DELAYED}
    files |= overlay("es", "set: {word: other}\n", "later", "later@^1")
    async with bench() as made:
        async with running(made, files):
            made.lab.offer(sold("1"), "a")
            made.lab.offer(sold("2", "B", "ES"), "b")
            await settle(3700)
        notes = [request["reference"] for request in made.lab.requests("note")]
        assert sorted(notes) == ["1", "2", "base", "other"]


@virtual
async def test_a_route_of_a_region_takes_its_own_events_only() -> None:
    own = route(
        "es-report",
        "from: {event: sale@1}\nto:\n"
        "  - {id: tell, use: lab, connection: outside, action: note, with: {reference: {template: 'es {{ receipt }}'}}}\n",
    )
    files = _posting(SITE) | {"routes/regions/es/es-report.yaml": own}
    async with bench() as made:
        async with running(made, files) as engine:
            made.lab.offer(sold("1"), "a")
            made.lab.offer(sold("2", "B", "ES"), "b")
            await settle()
            figures = await figures_of(engine, "es-report")
        notes = [request["reference"] for request in made.lab.requests("note")]
        assert sorted(notes) == ["1", "es 2"]
        assert figures["filtered"] == 1 and figures["balanced"]

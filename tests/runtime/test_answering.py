"""Synchronous requests of a route that issues chained records: who asks again gets the same, whatever happened before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from connectors.compliance.es_verifactu import connector as verifactu
from connectors.compliance.es_verifactu.chain import issue
from connectors.core.formats import connector as formats
from engine.plugins.registry import Registry
from engine.ports.store import Op
from engine.ports.store.inbox import InboxOpen
from engine.steps import BUILTIN
from tests.fixtures.sale import SALE_TYPE
from tests.runtime.killing import Fate, killed_life
from tests.runtime.lab import Bench, Lab, bench, lab_connector, running, sale, settle, virtual
from tests.runtime.routes import FROM_FILE, TO_BUS, TO_ERP, posting, route

RECORD = (
    "{IDEmisorFactura: '89890001K', NumSerieFactura: receipt, FechaExpedicionFactura: date, TipoFactura: 'F1', "
    "CuotaTotal: `0.21`, ImporteTotal: total}"
)
ISSUE = f'  - {{id: fiscal, verifactu: {{mode: issue, chain: [store], into: fiscal, record: "{RECORD}"}}}}\n'
REPLY = "reply: {body: {receipt: receipt, hash: fiscal.hash, previous: fiscal.previous}}\n"
LATE = '  - {id: small, check: [{that: "total < `100`", otherwise: {work_item: too-much}}]}\n'


def answering(more: str = "", criticality: str = "financial") -> dict[str, str]:
    """A route that issues a record for each sale, answers with it, and posts the sale."""
    rest = f"{FROM_FILE}accepts: sale@1\nsteps:\n{ISSUE}{more}{REPLY}{TO_ERP}"
    return {"routes/one.yaml": route("one", rest, criticality)}


@asynccontextmanager
async def counter() -> AsyncIterator[Bench]:
    """A bench that knows the rule."""
    async with bench() as made:
        made.registry = Registry([formats, lab_connector(made.lab), verifactu], BUILTIN)
        yield made


async def asked(made: Bench, *sales: dict[str, Any]) -> list[dict[str, Any]]:
    """What these are answered, one after the other."""
    before = len(made.lab.replies)
    for one in sales:
        made.lab.offer(one, "ask", wants_reply=True)
        await settle()
    return [reply["body"] for reply in made.lab.replies[before:]]


@pytest.mark.parametrize("criticality", ["financial", "operational"])
@virtual
async def test_a_till_that_asks_again_is_answered_the_same_also_after_a_restart(criticality: str) -> None:
    files = answering(criticality=criticality)
    async with counter() as made:
        async with running(made, files):
            first, again = await asked(made, sale("1"), sale("1"))
        async with running(made, files):
            once_more, second = await asked(made, sale("1"), sale("2"))
        assert first == again == once_more
        assert (first["previous"], second["previous"]) == ("", first["hash"])
        assert {request["reference"] for request in made.lab.requests()} == {"1", "2"}
        assert len({key for _, key, _ in made.lab.sent}) == 2


@virtual
async def test_what_failed_behind_the_record_gets_that_record_when_it_comes_again() -> None:
    """The receipt is in the chain though its till was refused: a second record of it would be one too many."""
    async with counter() as made:
        async with running(made, answering(LATE)):
            refused = await asked(made, sale("1", total=500))
            (following,) = await asked(made, sale("2"))
        async with running(made, answering()):
            (mended,) = await asked(made, sale("1", total=500))
        assert refused == [] and made.lab.released == [("ask", "too-much")]
        assert (mended["previous"], following["previous"]) == ("", mended["hash"])


@pytest.mark.parametrize("criticality", ["financial", "operational"])
@virtual
async def test_a_receipt_that_comes_again_with_another_amount_is_refused_and_not_signed(criticality: str) -> None:
    async with counter() as made, running(made, answering(criticality=criticality)):
        first, second = await asked(made, sale("1"), sale("1", total=11), sale("2"))
        (reason,) = [reason for _, reason in made.lab.released]
        assert reason in ("idempotency-conflict", "fiscal-record-changed")
        assert second["previous"] == first["hash"]
        assert [request["total"] for request in made.lab.requests()] == [10, 10]


class OvertakenStore:
    """Somebody else opens the inbox row of each event a moment before, and dies over it."""

    def __init__(self, real: Any) -> None:
        self._real = real

    async def apply(self, op: Op[Any]) -> Any:
        return await self._real.apply(op)

    async def apply_all(self, *ops: Op[Any]) -> list[Any]:
        for op in ops:
            if isinstance(op, InboxOpen):
                await self._real.apply(op)
        made: list[Any] = await self._real.apply_all(*ops)
        return made


@virtual
async def test_a_receipt_that_another_worker_opened_and_left_is_posted_by_the_one_that_answers() -> None:
    async with counter() as made:
        real, made.store = made.store, OvertakenStore(made.store)
        async with running(made, answering()):
            (told,) = await asked(made, sale("1"))
        made.store = real
        assert told["receipt"] == "1"
        assert [request["reference"] for request in made.lab.requests()] == ["1"]


async def life(made: Bench, fate: Fate) -> bool:
    """One life with a fate, in which a till asks; True when it was struck."""
    made.lab.offer(sale("1"), "ask", wants_reply=True)
    await killed_life(made, answering(), fate)
    return fate.struck.is_set()


@pytest.mark.parametrize("done_first", [False, True], ids=["before the write", "after the write"])
@virtual
async def test_killed_at_any_write_a_receipt_has_one_record_and_one_answer(done_first: bool) -> None:
    async with counter() as made:
        whole = Fate()
        await life(made, whole)
    assert whole.count > 5
    for at in range(1, whole.count + 1):
        async with counter() as made:
            assert await life(made, Fate(at, done_first=done_first)), f"write {at} of {whole.count} was never made"
            made.lab.inbox = Lab().inbox
            async with running(made, answering()):
                first, second = await asked(made, sale("1"), sale("2"))
                await settle(120.0)
            told = {reply["body"]["hash"] for reply in made.lab.replies}
            assert (first["previous"], second["previous"], len(told)) == ("", first["hash"], 2)
            posted = {key: request["reference"] for _, key, request in made.lab.sent}
            assert sorted(posted.values()) == ["1", "2"] and await made.items() == []


# --- replays of what comes after the till -----------------------------------------------------------------------------

VERIFY = (
    "steps:\n  - {id: fiscal, verifactu: {mode: verify, begin: first, chain: [store], record: record, into: fiscal}}\n"
)
WITH_RECORD = {
    "mappings/schemas/sale@1.yaml": SALE_TYPE.replace("  note:", "  record: {type: object}\n  note:", 1),
    "routes/ingest.yaml": route("ingest", FROM_FILE + "accepts: sale@1\n" + TO_BUS),
}
STRICT = posting(VERIFY + LATE) | WITH_RECORD
LENIENT = posting(VERIFY) | WITH_RECORD


def records(*totals: int) -> list[dict[str, Any]]:
    """Sales of one till that carry the records it issued, numbered from 1."""
    made, state = [], None
    for number, total in enumerate(totals, 1):
        values = {
            "IDEmisorFactura": "89890001K",
            "NumSerieFactura": str(number),
            "FechaExpedicionFactura": "2026-03-14",
            "TipoFactura": "F1",
            "CuotaTotal": "0.21",
            "ImporteTotal": str(total),
        }
        entry, state = issue(state, values, "2026-03-14T10:00:00+01:00", "test")
        made.append(sale(str(number), total=total, record=entry["record"]))
    return made


@asynccontextmanager
async def failed(first: dict[str, Any]) -> AsyncIterator[tuple[Bench, str]]:
    """A sale whose record is in its chain and which failed behind it: the id of its work item."""
    async with counter() as made:
        async with running(made, STRICT):
            made.lab.offer(first)
            await settle()
        (item,) = await made.items()
        assert item.reason == "too-much"
        yield made, item.id


@pytest.mark.parametrize("edited", [False, True], ids=["as it is", "edited"])
@virtual
async def test_a_replayed_sale_is_in_its_chain_once_and_the_next_one_follows(edited: bool) -> None:
    first, second = records(500, 20)
    async with failed(first) as (made, item):
        async with running(made, STRICT if edited else LENIENT) as engine:
            if edited:
                await engine.control.work_edit(item, {**first, "total": 50}, "ann", "typing error")
            await engine.control.work_replay(item, "ann", "looked at")
            await settle()
            made.lab.offer(second)
            await settle()
        assert [request["total"] for request in made.lab.requests()] == [50 if edited else 500, 20]
        assert await made.items() == []


@virtual
async def test_an_edit_does_not_put_another_record_into_the_chain() -> None:
    first, second = records(500, 20)
    (other,) = records(40)
    async with failed(first) as (made, item):
        async with running(made, STRICT) as engine:
            await engine.control.work_edit(item, {**first, "total": 40, "record": other["record"]}, "ann", "no idea")
            await engine.control.work_replay(item, "ann", "try")
            await settle()
            made.lab.offer(second)
            await settle()
        (again,) = await made.items()
        assert again.reason == "fiscal-record-changed"
        assert [request["total"] for request in made.lab.requests()] == [20]

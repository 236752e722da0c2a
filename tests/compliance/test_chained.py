"""What every rule that issues has of its shell: one record per event, whatever repeats it, and none for another content."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from connectors.compliance.support.shell import TRIES
from engine.core.errors import Rejected, Transient
from engine.plugins.contracts import Step
from engine.ports.store.steps import ChainGet, ChainPut
from tests.compliance import test_pt_invoices, test_rksv, test_verifactu
from tests.compliance.support import Worker, go, step_of, worker


@dataclass(frozen=True)
class Rule:
    """A step that issues.

    sale     the event of a number; the same number is the same event
    changed  where a value stands that its record holds, and another one
    """

    name: str
    step: Step
    sale: Callable[[int], dict[str, Any]]
    changed: tuple[str, str, Any]
    secrets: Mapping[str, str]

    def __str__(self) -> str:
        return self.name

    def other(self, number: int) -> dict[str, Any]:
        """The event with something else in its record."""
        sale = copy.deepcopy(self.sale(number))
        part, name, value = self.changed
        assert sale[part][name] != value
        sale[part][name] = value
        return sale


def _rksv(number: int) -> dict[str, Any]:
    receipt = test_rksv.values(number=str(number), normal=0 if number == 0 else number)
    return {"box": "BOX-1", "broken": False, "receipt": receipt}


RULES = (
    Rule("rksv", test_rksv.ISSUE, _rksv, ("receipt", "normal", 99), test_rksv.SECRETS),
    Rule(
        "verifactu",
        test_verifactu.ISSUE,
        lambda number: {"till": "1", "sale": test_verifactu.record(NumSerieFactura=f"A/{number}")},
        ("sale", "ImporteTotal", "99.00"),
        {},
    ),
    Rule(
        "pt_invoice",
        step_of(test_pt_invoices.PtInvoice, mode="issue", record="document", chain=["series"], signing_secret="pt_key"),
        lambda number: {"series": "FAC 001", "document": test_pt_invoices.document(number + 1)},
        ("document", "GrossTotal", "99.00"),
        {"pt_key": test_pt_invoices.PRIVATE},
    ),
)
EVERY = pytest.mark.parametrize("rule", RULES, ids=str)


async def issued(one: Worker, rule: Rule, number: int, sale: Any = None) -> dict[str, Any]:
    """What the event of this number gets."""
    after = await one.run(rule.step, f"e{number}", sale or rule.sale(number))
    found: dict[str, Any] = after["extensions"]["fiscal"]
    return found


@EVERY
def test_a_record_is_the_same_after_a_restart_and_the_chain_goes_on_from_the_newest(rule: Rule, tmp_path: Path) -> None:
    async def story() -> None:
        made = []
        for number in range(3):
            async with worker(tmp_path, rule.secrets) as one:
                made.append(await issued(one, rule, number))
        async with worker(tmp_path, rule.secrets) as one:
            assert [await issued(one, rule, number) for number in (2, 0, 1)] == [made[2], made[0], made[1]]
            made.append(await issued(one, rule, 3))
        assert [one["previous"] for one in made[1:]] == [one["hash"] for one in made[:-1]]

    go(story())


@EVERY
def test_an_event_that_two_workers_have_at_once_gets_one_record(rule: Rule, tmp_path: Path) -> None:
    async def story() -> None:
        async with worker(tmp_path, rule.secrets) as one:
            other = Worker(one._contexts.cell, rule.secrets)
            first = await issued(one, rule, 0)
            got = await asyncio.gather(*(issued(at, rule, 1) for at in (one, other, one, other)))
            following = await issued(other, rule, 2)
        assert all(each == got[0] for each in got)
        assert (got[0]["previous"], following["previous"]) == (first["hash"], got[0]["hash"])

    go(story())


@pytest.mark.parametrize(
    "rule", RULES[:2], ids=str
)  # documents of a Portuguese series come in the order of their numbers
def test_events_of_two_workers_stand_one_behind_the_other(rule: Rule, tmp_path: Path) -> None:
    async def story() -> None:
        async with worker(tmp_path, rule.secrets) as one:
            both = (one, Worker(one._contexts.cell, rule.secrets))
            made = [await issued(one, rule, 0)]
            made += await asyncio.gather(*(issued(both[number % 2], rule, number) for number in range(1, 9)))
        before = {each["previous"]: each["hash"] for each in made}
        head, length = made[0]["previous"], 0
        while head in before:
            head, length = before[head], length + 1
        assert length == len(made) == 9

    go(story())


@EVERY
def test_an_event_that_comes_again_with_another_content_is_refused_and_the_chain_stays(
    rule: Rule, tmp_path: Path
) -> None:
    async def story() -> None:
        async with worker(tmp_path, rule.secrets) as one:
            made = [await issued(one, rule, number) for number in range(2)]
            with pytest.raises(Rejected, match="fiscal-record-changed"):
                await issued(one, rule, 1, rule.other(1))
            assert await issued(one, rule, 1) == made[1]
            assert (await issued(one, rule, 2))["previous"] == made[1]["hash"]

    go(story())


def test_what_was_issued_before_contents_were_noted_comes_back_as_it_was(tmp_path: Path) -> None:
    rule = RULES[1]

    async def story() -> None:
        async with worker(tmp_path) as one:
            entry = b'{"entry": {"hash": "AA", "previous": ""}, "of": ""}'
            await one._contexts.cell.store.apply(ChainPut("verifactu|1", "e0", 0, b'{"head": "AA"}', entry))
            assert (await issued(one, rule, 0))["hash"] == "AA"

    go(story())


def test_a_chain_that_others_advance_all_the_time_is_tried_again_later(tmp_path: Path) -> None:
    rule = RULES[1]

    async def story() -> None:
        async with worker(tmp_path) as one:
            store = one._contexts.cell.store
            tries = 0

            class Quicker:
                """Somebody else is always first."""

                async def apply(self, op: Any) -> Any:
                    nonlocal tries
                    if isinstance(op, ChainPut):
                        tries += 1
                        ahead = await store.apply(ChainGet(op.key, "other"))
                        assert await store.apply(ChainPut(op.key, f"o{tries}", ahead.version, op.value, b"1"))
                    return await store.apply(op)

            slower = Worker(replace(one._contexts.cell, store=Quicker()), {})  # type: ignore[arg-type]
            with pytest.raises(Transient, match="chain-moved"):
                await issued(slower, rule, 0)
        assert tries == TRIES

    go(story())

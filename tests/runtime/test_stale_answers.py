"""An answer used after its `ttl`: the data can say so, and the journal does."""

from __future__ import annotations

from typing import Any

from engine.core.errors import Transient
from tests.runtime.lab import bench, running, sale, settle, virtual
from tests.runtime.routes import posting

CALL = "use: lab, connection: outside, action: ask"
STALE = "cache: {ttl: 1m, max_stale: 1h, stale_into: old}"
ASK = f"steps:\n  - {{id: ask, call: {{{CALL}, with: {{reference: store}}, into: found, retry: {{times: 0}}, {STALE}}}}}\n"
EACH = (
    f"steps:\n  - {{id: ask, enrich: {{each: {{in: lines, as: line}}, call: {{{CALL}, with: {{reference: line.sku}}}}, "
    "into: line.found, retry: {times: 0}, cache: {ttl: 1m, max_stale: 1h, stale_into: line.old}}}\n"
)
TO = """to:
  - {id: erp, use: lab, connection: outside, action: post, with: {reference: receipt, extra: EXTRA}}
  - {id: look, use: lab, connection: outside, action: note, with: {reference: receipt}, when: OLD}
"""


def to(extra: str, old: str) -> str:
    return TO.replace("EXTRA", extra).replace("OLD", old)


async def story(steps: str, sinks: str) -> tuple[list[tuple[str, Any]], list[str]]:
    """A sale, the same ten minutes later while the system is down; what was sent, and what the journal says of it."""
    async with bench() as made, running(made, posting(steps, sinks)):
        lines = [{"sku": "a"}, {"sku": "b"}]
        made.lab.offer([sale("1", lines=lines)])
        await settle(600)
        made.lab.answers = [Transient("unreachable", "no route to it")] * 2
        made.lab.offer([sale("2", lines=lines)])
        await settle()
        assert [entry.what for entry in await made.story("1") if entry.what == "stale-answer"] == []
        assert await made.items() == []
        sent = [(request["reference"], request.get("extra")) for _, _, request in made.lab.sent]
        return sent, [entry.detail for entry in await made.story("2") if entry.what == "stale-answer"]


@virtual
async def test_a_mapping_can_read_it_and_the_journal_says_how_old_it_was() -> None:
    sent, told = await story(ASK, to("old", "old"))
    assert sorted(sent, key=str) == [("1", False), ("2", None), ("2", True)]
    assert told == ["ask: 600 s old; unreachable: no route to it"]


@virtual
async def test_of_items_each_says_it_and_the_journal_once() -> None:
    sent, told = await story(EACH, to('"lines[].old"', '"some(lines, &old)"'))
    assert sorted(sent, key=str) == [("1", [False, False]), ("2", None), ("2", [True, True])]
    assert told == ["ask: 600 s old; unreachable: no route to it"]

"""Compiled expressions against the `jmespath` package, on the fields of a sale's mapping."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median

import jmespath

from engine.core.jsonx import decode
from engine.expr.functions import FunctionTable
from engine.expr.jmes import compile_expression
from engine.runtime.people.dryrun import SampleEnv
from tests.bench.timing import compared

FIELDS = {
    "transaction": "receipt_no",
    "store": "store.id",
    "country": "store.country",
    "till": "till.id",
    "sold_at": "occurred_at",
    "currency": "currency",
    "first_sku": "lines[0].sku",
    "line_count": "length(lines)",
    "net": "sum(lines[].net)",
    "tax": "sum(lines[].tax)",
    "paid": "sum(tenders[].amount)",
    "card": "tenders[?type=='card'] | [0].reference",
    "tender_types": "tenders[].type",
    "items": "lines[].{sku: sku, quantity: quantity, net: net}",
}
GOAL = 6.0


def run(root: Path) -> None:
    raw = (root / "routes" / "cases" / "sale.json").read_bytes()
    exact, plain = decode(raw), json.loads(raw)
    env, functions = SampleEnv(), FunctionTable.builtin()
    print(f"{'expression':<55} {'jmespath us':>12} {'ours us':>9} {'ratio':>7}")
    ratios = []
    for text in FIELDS.values():
        ours, theirs = compile_expression(text, functions), jmespath.compile(text)
        mine, other = compared(lambda o=ours: o(exact, env), lambda t=theirs: t.search(plain), 5)
        ratios.append(other / mine)
        print(f"{text:<55} {other:>12.2f} {mine:>9.2f} {other / mine:>7.1f}")
    compiled = [compile_expression(text, functions) for text in FIELDS.values()]
    others = [jmespath.compile(text) for text in FIELDS.values()]
    mine, other = compared(lambda: [e(exact, env) for e in compiled], lambda: [e.search(plain) for e in others])
    print(
        f"{'all 14 fields':<55} {other:>12.2f} {mine:>9.2f} {other / mine:>7.1f}   goal {GOAL:g}, median {median(ratios):.1f}"
    )

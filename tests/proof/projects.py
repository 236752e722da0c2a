"""The project most proofs run: sales from files of JSON lines, published as events, posted by a second route."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.fixtures.sale import SALE_TYPE

# With lines that say which of them are kept.
SALE = SALE_TYPE.replace(
    "items: {type: object}", "items: {type: object, properties: {sku: {type: string}, keep: {type: boolean}}}"
)

# The same, numbered by each store.
NUMBERED = SALE.replace("  guard:", "  order_by: store\n  sequence: turn\n  guard:").replace(
    "  note:", "  turn: {type: integer}\n  note:"
)

CONNECTIONS = """
tillflow: 1
connections:
  tills: {connector: core.files, directory: "${INBOX}", archive: "${ARCHIVE}", failed: "${FAILED}", zone: eu}
  books: {connector: core.sql, url: "${BOOKS}", zone: eu, limits: {timeout: 2s}}
  shop:
    connector: core.http
    url: ${OUTSIDE:http://127.0.0.1:9}
    allow_private: true
    zone: eu
    limits: {timeout: 1s, concurrency: 8, breaker: {failures: 1000, within: 1m, probe_every: 1s}}
"""

HEAD = "tillflow: 1\nversion: 1.0.0\nowner: finance\nclass: process\n"
FROM_FILES = (
    'from: {use: core.files, connection: tills, match: "*.jsonl", format: ndjson, stable_for: 20ms, poll: 50ms}\n'
)


def route(name: str, rest: str, criticality: str = "financial") -> str:
    """A route file."""
    return f"{HEAD}route: {name}\ncriticality: {criticality}\n{rest}"


INGEST = route("ingest", FROM_FILES + "accepts: sale@1\nto:\n  - {id: sales, event: sale@1}\n")

# What a sink of each guarantee looks like, over an address `/<log>/<trouble>` of tests/proof/outside.py.
WAYS = {"idempotency_key": "once", "upsert": "doc", "verify": "each", "at_least_once": "told", "at_most_once": "only"}
_BODY = "reference: receipt, total: total"
SINKS = {
    "idempotency_key": f"action: post, with: {{path: {{const: /once}}, body: {{{_BODY}}}}}",
    "upsert": f"action: put, with: {{path: \"['doc', join('-', [store, receipt])]\", body: {{{_BODY}}}}}",
    "verify": "action: post_checked, with: {path: {const: /each}, check_path: \"['each', receipt]\", "
    f"body: {{{_BODY}}}}}",
    "at_least_once": f"action: notify, with: {{path: {{const: /told}}, body: {{{_BODY}}}}}",
    "at_most_once": f"action: post_once, with: {{path: {{const: /only}}, body: {{{_BODY}}}}}",
    "same_transaction": "action: insert, with: {table: {const: sales}, row: {store: store, reference: receipt, total: total}}",
}
UNSAFE = ("at_least_once", "at_most_once")  # validate refuses them on a financial route
RETRY = "timeout: 1s, retry: {give_up_after: 1h, backoff: {first: 1s, max: 1s, factor: 1}}"


def sink(guarantee: str, id: str = "out", more: str = RETRY) -> str:
    """One sink of a route."""
    use = "core.sql, connection: books" if guarantee == "same_transaction" else "core.http, connection: shop"
    return f"  - {{id: {id}, use: {use}, {SINKS[guarantee]}, {more}}}\n"


def posting(to: str, steps: str = "", *, safe: bool = True, source: str = "from: {event: sale@1}\n") -> str:
    """The route `posting`. Without `safe` it is operational and writes its outcomes down all the same."""
    kind = "" if safe else "route_once: true\n"
    return route("posting", f"{source}{kind}{steps}to:\n{to}", "financial" if safe else "operational")


def project(posting: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """All files."""
    return {
        "routes/connections.yaml": CONNECTIONS,
        "routes/ingest.yaml": INGEST,
        "routes/posting.yaml": posting,
        "mappings/schemas/sale@1.yaml": SALE,
        **(more or {}),
    }


def of_guarantees(guarantees: Iterable[str]) -> dict[str, str]:
    """One posting route with a sink of each of these, named after its guarantee."""
    known = list(guarantees)
    sinks = "".join(sink(guarantee, guarantee.replace("_", "-")) for guarantee in known)
    return project(posting(sinks, safe=not set(known) & set(UNSAFE)))


# Routes that add sales up by store, each with another end of its groups, and one that only waits with each sale.
GROUP = """
$id: group@1
title: Sales of a store, added up
type: object
required: [receipts, total, members]
properties:
  receipts: {type: array, items: {type: string}}
  total: {type: number}
  members: {type: integer}
"""
ENDS = {
    "count": "{within: 2s, count: 3}",
    "time": "{within: 1s}",
    "trailer": "{within: 1h, trailer: \"present(note) && note == 'last'\"}",
}
_SUMS = """steps:
  - id: sums
    aggregate:
      by: store
      complete: COMPLETE
      sum: {total: total}
      collect: {receipts: receipt}
      members: members
      output: group@1
"""
_DELAY = "steps:\n  - {id: later, delay: {for: 1s}}\n"
_GROUP = "reference: \"join('+', receipts)\", total: total, receipts: receipts, members: members"
_SINGLE = 'reference: receipt, total: total, receipts: "[receipt]", members: {const: 1}'


def _waiting(name: str, steps: str, body: str) -> str:
    """A route that posts what its cut goes on with to `/once/<name>`."""
    to = f"with: {{path: {{const: /once/{name}}}, body: {{{body}}}}}, {RETRY}}}\n"
    start = f"from: {{event: sale@1}}\n{steps}to:\n  - {{id: out, use: core.http, connection: shop, action: post, "
    return route(f"by-{name}", start + to)


def waiting(*ends: str) -> dict[str, str]:
    """The files of routes that keep sales for a while: by ENDS, and `delay`."""
    found = {end: _waiting(end, _SUMS.replace("COMPLETE", ENDS[end]), _GROUP) for end in ends if end in ENDS}
    if "delay" in ends:
        found["delay"] = _waiting("delay", _DELAY, _SINGLE)
    return {"mappings/schemas/group@1.yaml": GROUP} | {f"routes/by-{end}.yaml": text for end, text in found.items()}

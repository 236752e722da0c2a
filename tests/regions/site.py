"""A small project with regions: sales of several countries and brands, posted to a system, noted in another."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from engine.backends.secrets import DictSecrets
from engine.compile.compiler import compile_project
from engine.compile.plan import RouteSet
from engine.compile.reuse import Memory
from engine.config.project import read_project_from
from engine.core.findings import Finding, in_order
from engine.plugins.registry import Registry
from engine.steps import BUILTIN
from tests.fixtures.sale import SALE_TYPE
from tests.runtime.lab import Lab, lab_connector
from tests.runtime.routes import INGEST, route

# Closed, of a country, and with a place for what regions add.
SALE = (
    SALE_TYPE.replace("required: [store,", "additionalProperties: false\nrequired: [store, country,")
    .replace("  receipt: {type: string}\n", "  receipt: {type: string}\n  country: {type: string}\n")
    .replace("  note: {type: string}\n", "  training: {type: boolean, default: false}\n")
    .replace(
        "  lines: {type: array, items: {type: object}}",
        "  extensions: {type: object, properties: {fiscal: {type: object}, local: {type: object}}, additionalProperties: false}",
    )
)
STORES = "id,country,brand,rate\nA,DE,market,7\nB,ES,market,10\nC,ES,city,10\nX,XX,city,1\nU,US,city,1\n"
TABLES = """
tillflow: 1
tables:
  stores: {csv: ../mappings/tables/stores.csv, key: id, schema: store@1}
"""
STORE = """
$id: store@1
title: A store
type: object
required: [id, country, brand, rate]
properties:
  id: {type: string}
  country: {type: string}
  brand: {type: string}
  rate: {type: string}
"""
CONNECTIONS = """
tillflow: 1
connections:
  outside: {connector: lab, zone: eu, limits: {concurrency: 4}}
  outside-es: {connector: lab, like: outside}
"""
SCOPES = """
tillflow: 1
scopes:
  country: country
  brand: lookup('stores', store).brand
"""
POSTING = route(
    "posting",
    """
params:
  way: {values: [line, summary], default: line, overridable_by: [country, brand]}
  most: {type: number, default: 100, min: 1, max: 500, overridable_by: [country]}
from: {event: sale@1}
steps:
  - {id: training, when: is_true(training), filter: {reason: training-mode}, may: [insert_after]}
  - {id: bounded, check: [{that: "total <= param('most')", otherwise: {work_item: too-much}}]}
  - {slot: fiscal, allows: [pure, reads], yields: extensions.fiscal}
  - {id: stamped, set: {extensions.local.seen: {const: true}}, may: [disable, insert_before]}
  - {id: card-data, mask: {pan: everywhere}, lock: true}
to:
  - {id: erp, use: lab, connection: outside, action: post, map: sale-to-entry, when: "param('way') == 'line'"}
  - {id: notes, use: lab, connection: outside, action: note, with: {reference: receipt}, may: [disable]}
""",
)
MAPPING = """
tillflow: 1
mapping: sale-to-entry
input: sale@1
fields:
  reference: receipt
  total: total
  extra:
    fields:
      way: param('way')
      slot: more
"""
PLAIN = route(
    "plain",
    "from: {event: sale@1}\n"
    + "to:\n  - {id: tell, use: lab, connection: outside, action: note, with: {reference: receipt}}\n",
)
TESTS = """
tillflow: 1
tests:
  - name: posted at most once, whatever a region adds
    kind: promise
    route: posting
    given: {event: cases/sale.json, times: 2, every_scope: true}
    invariants: [applied_at_most_once, nothing_unaccounted]
  - name: a sale is posted and noted
    route: posting
    given: {event: cases/sale.json}
    expect: {sinks: {erp: {count: 1, items: [{reference: "1"}]}, notes: {count: 1}}, work_items: []}
"""
CASE = '{"store": "A", "country": "DE", "receipt": "1", "date": "2026-03-14", "total": 10}'

BASE: dict[str, str] = {
    "mappings/schemas/sale@1.yaml": SALE,
    "mappings/schemas/store@1.yaml": STORE,
    "mappings/tables/stores.csv": STORES,
    "mappings/sale-to-entry.yaml": MAPPING,
    "routes/connections.yaml": CONNECTIONS,
    "routes/tables.yaml": TABLES,
    "routes/scopes.yaml": SCOPES,
    "routes/ingest.yaml": INGEST,
    "routes/posting.yaml": POSTING,
    "routes/plain.yaml": PLAIN,
    "routes/posting.test.yaml": TESTS,
    "routes/cases/sale.json": CASE,
}


def pack(code: str, country: str = "", residency: str = "eu") -> dict[str, str]:
    """A country pack."""
    text = (
        f"tillflow: 1\npack: {code}\nlayer: country\nfor: {{country: {country or code.upper()}}}\nowner: compliance\n"
    )
    return {f"routes/regions/{code}/pack.yaml": f"{text}residency: {residency}\n"}


def brand(code: str, name: str) -> dict[str, str]:
    """A brand pack."""
    text = f"tillflow: 1\npack: {code}\nlayer: brand\nfor: {{brand: {name}}}\nowner: brand\n"
    return {f"routes/regions/{code}/pack.yaml": text}


def overlay(code: str, rest: str, name: str = "posting", base: str = "posting@^1") -> dict[str, str]:
    """An overlay of a region, called `<code>-<name>`."""
    text = f"tillflow: 1\noverlay: {code}-{name}\nbase: {base}\n{rest}"
    return {f"routes/regions/{code}/{name}.overlay.yaml": text}


SPAIN = """
effective: {since: 2027-01-01}
set: {way: line, most: 200}
connect: {erp: outside-es}
fill:
  fiscal:
    - {id: taxed, enrich: {table: stores, key: store, into: extensions.fiscal.store}}
    - {id: signed, check: [{that: present(extensions.fiscal.store.rate), otherwise: {work_item: no-rate}}]}
fill_mapping:
  sale-to-entry:
    more: {rate: {expr: extensions.fiscal.store.rate, optional: true}}
insert:
  - {after: training, steps: [{id: marked, set: {extensions.local.mark: {const: es}}}]}
disable:
  - {id: notes, reason: consent wording not approved}
legal: [{ref: a law of the country}]
expects_change:
  - {test: a sale is posted and noted, because: notes is disabled, sinks: {erp: {count: 1}, notes: {count: 0}}}
"""
REGIONS: dict[str, str] = {**pack("de"), **pack("es"), **overlay("es", SPAIN), **brand("city", "city")}
CITY = overlay(
    "city",
    "set: {way: summary}\nexpects_change:\n  - {test: a sale is posted and noted, because: summaries, sinks: {erp: {count: 0}}}\n",
)
SITE = {**BASE, **REGIONS}


def registry() -> Registry:
    from connectors.core.formats import connector as formats

    return Registry([formats, lab_connector(Lab())], BUILTIN)


@cache
def _plugins() -> Registry:
    """For compilations whose Plans never run."""
    return registry()


def compiled(files: Mapping[str, str], memory: Memory | None = None) -> tuple[RouteSet, list[Finding]]:
    """Read and compile."""
    project, found = read_project_from({path: text.encode() for path, text in files.items()}, {})
    routes, more = compile_project(project, _plugins(), DictSecrets({}), memory)
    return routes, in_order([*found, *more])


def errors(files: Mapping[str, str]) -> list[Finding]:
    return [finding for finding in compiled(files)[1] if finding.severity == "error"]


def sold(receipt: str = "1", store: str = "A", country: str = "DE", **more: Any) -> dict[str, Any]:
    """A sale."""
    return {"store": store, "country": country, "receipt": receipt, "date": "2027-03-14", "total": 10, **more}

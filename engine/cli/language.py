"""Pages of `explain` about the files of a project: their keys, from the models that read them, and the words behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from pydantic import BaseModel

from engine.config.models.regions import OverlayDoc, PackDoc
from engine.config.models.resources import ConnectionsDoc, TablesDoc
from engine.config.models.route import RouteDoc
from engine.config.models.schema import SchemaHead
from engine.config.models.tests import CaseDoc, ExpectDoc
from engine.plugins.describe import fields_of
from engine.plugins.reference import field_table

# Keys of steps that stand for any step type, and blocks that have pages of their own.
_NO_KEYS = ("steps[].type", "steps[].body", "[].steps[].", "fill.<name>[].")

_ROUTE = """A file `routes/<name>.yaml`: where events come from, what is done to them, where results go. `from` also takes the keys of
the connector's source (`tillflow connectors show NAME`); each step has an `id` and one step type (`tillflow explain steps`).
A route whose records come from a connector names their type with `accepts`; what keys them is in `tillflow explain key`.
`criticality: financial` has every outcome written down before it is published; the others are `tillflow explain plain`."""

_SCHEMAS = """A file `mappings/schemas/<type>@<n>.yaml`: a JSON Schema. What is ours in it is below. With `x-tillflow` it is an event type,
and the key makes two events the same, whatever brought them: a route takes it with `accepts: <type>@<n>` or
`from: {event: <type>@<n>}`, and an `event:` sink publishes it.

```yaml
$id: sale.completed@1
x-tillflow: {key: [store, till, date, receipt], guard: [total], business_date: date, search: {receipt: receipt}}
type: object
```"""

_TABLES = """The file `routes/tables.yaml`: reference tables, read by step `enrich` and the functions `lookup` and `find`. Changed rows of
a CSV serve the next event.

```yaml
tillflow: 1
tables:
  products: {csv: ../mappings/tables/products.csv, key: sku, schema: product@1}
```"""

_CONNECTIONS = """The file `routes/connections.yaml`: the systems that routes read from and write to. Beside these keys stand those of the
connector: `tillflow connectors show NAME`.

```yaml
tillflow: 1
connections:
  tills: {connector: core.files, directory: "${TILL_INBOX:data/inbox}"}
```"""

_TESTS = """Files `routes/*.test.yaml` and `mappings/*.test.yaml`, run by `tillflow test` in virtual time with every sink captured.
Below are the keys of one entry of `tests`; `expect` has a page of its own.

```yaml
tillflow: 1
tests:
  - name: a sale is posted once though it arrives three times
    route: post-sales
    given: {event: cases/sale.json, times: 3}
    expect: {sinks: {posting: {count: 1}}, work_items: []}
```"""

_EXPECT = """What has to be true at the end of a test. Documents are compared as subsets, with `$exact` as a whole; a key that starts
with `$` is a matcher, such as `count: {$at_least: 1}`."""

_OVERLAYS = """A region is a pack, `routes/regions/<code>/pack.yaml`; what it changes in a shared route stands beside it in overlays,
`routes/regions/<code>/<name>.overlay.yaml` (the name ends in `.overlay.yaml`). An overlay changes only what the route
declares as changeable. `tillflow render` shows a route in a scope, `tillflow packs list` the packs of a project, and
`tillflow packs show at` the page of one (its README.md): its rule, what it covers and what not.

The examples of the route's tests run in every region too. One that comes out otherwise there is named in `expects_change`,
with what comes of it in the keys of `tillflow explain expect`; sinks and other facts it does not name are not compared."""

_KEY = """What makes two things the same. A part that is missing or null is never a key: the event waits as a work item.

| where | what it identifies |
|---|---|
| `x-tillflow: {key: ..}` of a schema | an event of that type, whatever route, format or file brings it |
| `key` of step `split` | one of the parts an event is split into |
| `key` of a table, and of a sink with `table:` | a row |
| `given: {key: ..}` of a test | the source's own id, as a webhook has |

A route takes events by key with `from: {event: ..}`, or with `accepts: <type>@<n>` beside a connector's source. Without a
type, a record is known by the source's own id (a webhook's, a schedule's tick), else by the content of its file and its
place in it: the same file is taken in once, the same record in another file is new.

A second event of the same key and the same content is a duplicate and goes nowhere. With other content it is one too where
`guard` is equal; else it waits as work item `idempotency-conflict`.
"""

_EFFECT = """A change made in another system, known by a stable name: `<route>/<sink>`, or what `effect` of the sink says. Event, effect
and the part of a split make the id of a delivery; the ledger remembers it for as long as `keep`, and what was applied under
that id is not done again.

Write `effect: <name>` with the old name when a route or sink is renamed, so that nothing is done twice. Sinks that exclude
each other share one name. A changed effect is a risk that `tillflow plan` marks and a financial route refuses
(`tillflow explain changes`).

How a repeat is kept from doubling an effect is the guarantee of the action: `tillflow connectors show NAME`.
"""

_PLAIN = """A route that is neither `criticality: financial` nor `route_once: true`. What it decided for an event is not written down
before it is published.

It is faster: its router needs no database. Deliveries have the same ids and the same ledger as everywhere, so an effect is not
doubled by a repeat. What it costs:

- figures: `tillflow status` counts its events since the process was started, not row by row, and nothing says `missing`
  when a queue with its events is deleted
- after a crash an event that was decided may be decided again by a newer version of the route, and then go another way

To leave it, add to the route one of

```yaml
criticality: financial      # also: tests before each change, probation, refused risks
route_once: true            # only the written outcomes and the figures
```
"""


def language() -> dict[str, Callable[[], str]]:
    """Name -> what makes its Markdown page."""
    return {
        "route": partial(_page, "Routes", _ROUTE, RouteDoc),
        "schemas": partial(_page, "Schemas and event types", _SCHEMAS, SchemaHead),
        "tables": partial(_page, "Reference tables", _TABLES, TablesDoc),
        "connections": partial(_page, "Connections", _CONNECTIONS, ConnectionsDoc),
        "tests": partial(_page, "Tests", _TESTS, CaseDoc, ("expect.",)),
        "expect": partial(_page, "Expectations of tests", _EXPECT, ExpectDoc),
        "overlays": _overlays,
        "key": lambda: f"# Keys\n\n{_KEY}",
        "effect": lambda: f"# Effects\n\n{_EFFECT}",
        "plain": lambda: f"# Plain routes\n\n{_PLAIN}",
    }


def _overlays() -> str:
    pack = "\n".join(["", "## A pack", "", *_keys(PackDoc), ""])
    elsewhere = ("expects_change[].sinks.", "expects_change[].given.")  # pages `expect` and `tests`
    return _page("Regions and overlays", f"{_OVERLAYS}\n\n## An overlay", OverlayDoc, elsewhere) + pack


def _page(title: str, text: str, model: type[BaseModel], without: Iterable[str] = ()) -> str:
    return "\n".join([f"# {title}", "", text, "", *_keys(model, without), ""])


def _keys(model: type[BaseModel], without: Iterable[str] = ()) -> list[str]:
    left_out = (*_NO_KEYS, *without)
    return field_table(field for field in fields_of(model) if not any(part in field.path for part in left_out))

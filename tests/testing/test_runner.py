"""What a case can say and how it is run: starts, stubs, the clock, parameters, chains of routes, and the network."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from connectors.core.files import connector as files
from connectors.core.formats import connector as formats
from connectors.core.http import connector as http
from connectors.core.sql import connector as sql
from engine.discover import discover
from engine.plugins.registry import Registry
from engine.sdk import Build, Connector, Frame, Options, Step, step
from engine.settings import Settings
from engine.steps import BUILTIN
from engine.testing.runner.chosen import all_cases, chosen_cases
from engine.testing.runner.project import load_for_tests
from engine.testing.runner.session import run_tests
from tests.testing.conftest import Results


def problems(results: Results, text: str, **more: Any) -> list[str]:
    """Of the only case."""
    (result,) = results(text, **more)
    return list(result.problems)


# --- starts ----------------------------------------------------------------------------------------------------------


def test_a_promise_without_a_route_is_about_the_one_its_file_is_named_after(results: Results) -> None:
    text = (
        "  - {name: a, kind: promise, given: {event: cases/sale.json, times: 3, every_scope: true}, invariants: [%s]}"
    )
    held = "applied_at_most_once, debit_equals_credit, nothing_unaccounted"
    assert problems(results, text % held) == []


def test_values_are_set_and_removed_by_path(results: Results) -> None:
    text = """
  - name: a
    given: {event: cases/named.json, set: {"paid[0].type": card, total: 10, "paid[0].amount": 10}, remove: [customer]}
    expect: {sinks: {books: {items: [{lines: [{account: "110", debit: 10}, {account: "400", credit: 10}]}]}}}
"""
    assert problems(results, text) == []


def test_a_native_file_goes_through_the_real_ingress(results: Results) -> None:
    text = """
  - name: a
    route: intake
    given: {files: [cases/sale.json, cases/other.json], times: 2}
    expect: {sinks: {sales: {count: 2, items: [{receipt: R-1, training: false}, {receipt: R-2}]}}, duplicates: 2}
    invariants: [applied_at_most_once, nothing_unaccounted, same_state_in_any_order]
"""
    assert problems(results, text) == []


def test_a_native_record_that_breaks_its_schema_is_a_work_item_of_the_ingress(results: Results) -> None:
    text = """
  - name: a
    route: intake
    given: {event: cases/sale.json, set: {pieces: many}}
    expect: {work_items: [{level: record, reason: schema-violation, owner: stores}], sinks: {sales: {count: 0}}}
"""
    assert problems(results, text) == []


def test_routes_run_one_after_the_other_where_the_case_says_so(results: Results) -> None:
    text = """
  - name: a
    route: intake
    routes: [posting, stock]
    given: {file: cases/sale.json}
    expect: {sinks: {posting/books: {count: 1}, stock/book: {items: [{pieces: 2}], requests: [{path: /stock}]}}}
  - name: b
    routes: all
    given: {event: cases/sale.json}
    expect: {sinks: {mail/thanks: {count: 1}, mail/chat: {count: 1}, stock/book: {count: 1}, intake/sales: {count: 0}}}
    invariants: [applied_at_most_once, nothing_unaccounted]
"""
    assert [result.problems for result in results(text)] == [(), ()]


def test_an_event_sink_is_captured_where_nobody_subscribes(results: Results) -> None:
    text = """
  - name: a
    given: {event: cases/sale.json, times: 2}
    expect: {sinks: {sold: {count: 1, items: [{receipt: R-1, pieces: 2}], attempts: 1, within: 1s}}, work_items: []}
"""
    assert problems(results, text) == []


def test_parameters_have_the_values_the_case_gives(results: Results) -> None:
    text = """
  - name: a
    params: {least: 100}
    given: {event: cases/sale.json}
    expect: {work_items: [{reason: too-little}]}
  - {name: b, given: {event: cases/sale.json}, expect: {work_items: []}}
"""
    assert [result.problems for result in results(text)] == [(), ()]


def test_the_clock_starts_at_the_business_date_or_where_the_case_says(results: Results) -> None:
    text = """
  - {name: a, review_by: 2026-03-14, given: {event: cases/sale.json}, expect: {work_items: []}}
  - name: b
    review_by: 2026-03-14
    clock: {start: "2026-03-14T23:30:00-01:00"}
    given: {event: cases/sale.json}
    expect: {work_items: []}
"""
    first, second = results(text)
    assert first.problems == ()
    assert second.problems == ("this test was to be reviewed by 2026-03-14, and runs on 2026-03-15",)


# --- stubs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stub", "wanted"),
    [
        ("{fail: transient, times: 2}", "{sinks: {books: {count: 1, attempts: 3}}, work_items: []}"),
        ("{fail: transient, lasts: 1h}", "{sinks: {books: {count: 1, attempts: {$at_least: 3}}}, work_items: []}"),
        ("{fail: transient}", "{sinks: {books: {count: 0}}, work_items: [{reason: stubbed, level: delivery}]}"),
        (
            "{fail: permanent}",
            "{sinks: {books: {count: 0, attempts: 1}}, work_items: [{reason: stubbed, sink: books}]}",
        ),
        ("{fail: permanent, reason: closed}", "{work_items: [{reason: closed, owner: finance}]}"),
        ("{fail: throttled, retry_after: 1h, times: 1}", "{sinks: {books: {count: 1, attempts: 2}}, work_items: []}"),
        ("{fail: unknown_outcome, times: 1}", "{sinks: {books: {count: 1, attempts: 2}}, work_items: []}"),
        ("{fail: unknown_outcome, times: 1, applied: true}", "{sinks: {books: {count: 1, attempts: 2}}}"),
        ("{status: 201}", "{sinks: {books: {count: 1, attempts: 1}}}"),
        ("{status: 404}", "{work_items: [{reason: not-found, data: {status: 404}}]}"),
        ("{status: 422}", "{work_items: [{reason: refused}]}"),
        ("{status: 503, times: 1}", "{sinks: {books: {count: 1, attempts: 2}}}"),
        ("{status: 500, times: 1}", "{sinks: {books: {count: 1, attempts: 2}}}"),
        ("{status: 429, retry_after: 10s, times: 2}", "{sinks: {books: {count: 1, attempts: 3}}}"),
        ("{delay: 10s}", "{sinks: {books: {count: 1, attempts: 1, within: 11s}}}"),
        ("{delay: 60s, fail: transient, times: 1}", "{sinks: {books: {count: 0}}}"),
    ],
)
def test_a_sink_does_what_its_stub_says(results: Results, stub: str, wanted: str) -> None:
    # What fails every time is given up after 24 hours; of everything else the end is known much earlier.
    advance = "25h" if stub in ("{fail: transient}", "{delay: 60s, fail: transient, times: 1}") else "3h"
    text = "  - {name: a, given: {event: cases/sale.json}, stub: {%s: %s}, clock: {advance: %s}, expect: %s}"
    assert problems(results, text % ("books", stub, advance, wanted)) == []
    assert problems(results, text % ("posting/books", stub, advance, wanted)) == []


def test_a_call_answers_what_its_step_or_connection_is_stubbed_with(results: Results) -> None:
    text = """
  - {name: a, given: {event: cases/named.json}, stub: {%s: {returns: {stars: 5}}}, expect: {data: {rating: {stars: 5}}}}
"""
    for name in ("rating", "web", "posting/rating"):
        assert problems(results, text % name) == []


def test_a_call_is_tried_again_in_place_and_then_with_its_event(results: Results) -> None:
    text = """
  - name: a
    given: {event: cases/named.json}
    stub: {rating: {fail: transient, lasts: 10m, returns: {stars: 5}}}
    clock: {advance: 2h}
    expect: {data: {rating: {stars: 5}}, sinks: {books: {count: 1, within: 1h}}, work_items: []}
  - name: b
    given: {event: cases/named.json}
    stub: {rating: {fail: permanent, reason: no-such-customer}}
    expect: {work_items: [{level: event, step: rating, reason: no-such-customer}], sinks: {books: {count: 0}}}
"""
    assert [result.problems for result in results(text)] == [(), ()]


def test_a_stub_may_stand_in_for_any_step(results: Results) -> None:
    text = """
  - name: a
    given: {event: cases/sale.json}
    stub: {amount: {fail: permanent, reason: refused-here}}
    expect: {work_items: [{reason: refused-here, step: amount}]}
  - name: b
    given: {event: cases/sale.json}
    stub: {small: {returns: {receipt: other, total: 1, paid: [], day: 2026-03-14, pieces: 7}}}
    expect: {sinks: {sold: {items: [{receipt: other, pieces: 7}]}}}
"""
    assert [result.problems for result in results(text)] == [(), ()]


# --- the network -----------------------------------------------------------------------------------------------------


@step("dial")
class Dial(Step):
    """Reaches for the network behind the engine's back."""

    class Config(Options):
        pass

    def __init__(self, config: Config, build: Build) -> None:
        return None

    def run(self, frame: Frame) -> None:
        socket.create_connection(("192.0.2.1", 9), timeout=0.1).close()


DIALLING = """
tillflow: 1
route: dialling
version: 1.0.0
owner: finance
criticality: operational
from: {event: sale@1}
steps: [{id: dial, dial: {}}]
to: [{id: sold, event: stock@1, map: sale-to-stock}]
"""


def test_a_plugin_that_opens_a_connection_fails_the_case(results: Results) -> None:
    registry = Registry([files, formats, http, sql, Connector("dial", (Dial,))], BUILTIN)
    text = "  - {name: a, route: dialling, given: {event: cases/sale.json}, expect: {sinks: {sold: {count: 0}}}}"
    told = problems(results, text, registry=registry, dialling=DIALLING)
    assert len(told) == 1
    assert told[0].startswith("something reached for the network: ") and "192.0.2.1" in told[0]


def test_the_network_is_free_again_after_a_case(results: Results) -> None:
    assert problems(results, "  - {name: a, given: {event: cases/sale.json}, expect: {work_items: []}}") == []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))


# --- each case on its own --------------------------------------------------------------------------------------------


def test_cases_do_not_see_each_other(results: Results) -> None:
    text = """
  - {name: a, given: {event: cases/sale.json}, stub: {books: {fail: transient}}, expect: {sinks: {books: {count: 0}}}}
  - {name: b, given: {event: cases/sale.json}, expect: {sinks: {books: {count: 1, attempts: 1}}, duplicates: 0}}
"""
    assert [result.problems for result in results(text)] == [(), ()]


def test_a_case_takes_the_same_way_each_time(results: Results) -> None:
    text = """
  - name: a
    given: {event: cases/sale.json}
    stub: {books: {fail: transient, lasts: 3m}}
    clock: {advance: 2h}
    expect: {sinks: {books: {attempts: 99}}}
"""
    assert len({tuple(problems(results, text)) for _ in range(3)}) == 1


DAILY = """
tillflow: 1
route: daily
version: 1.0.0
owner: finance
criticality: operational
from: {event: sale@1}
steps:
  - {id: day, aggregate: {by: [day], complete: {within: 1h}, sum: {pieces: pieces}, first: {receipt: receipt, day: day}, output: stock@1}}
to: [{id: kept, use: core.sql, connection: books, action: insert, with: {table: {const: days}, row: "@"}}]
"""


def test_events_that_wait_in_an_aggregate_are_told_where_less_came_than_expected(results: Results) -> None:
    text = """
  - {name: a, route: daily, given: {event: cases/sale.json}, expect: {sinks: {kept: {count: 1}}}}
  - {name: b, route: daily, given: {event: cases/sale.json}, clock: {advance: 2h}, expect: {sinks: {kept: {count: 1}}}}
"""
    first, second = results(text, daily=DAILY)
    told = "1 event waits in step `day`: advance the clock (`clock: {advance: ..}`)"
    assert (first.problems, second.problems) == (("the count of kept is 0, expected 1", told), ())


CACHED = """
tillflow: 1
route: cached
version: 1.0.0
owner: finance
criticality: operational
from: {event: sale@1}
steps:
  - id: rating
    call: {use: core.http, connection: web, action: get, with: {path: {const: /rating}}, into: rating, cache: {ttl: 1h}}
to: [{id: sold, event: stock@1, map: sale-to-stock}]
"""


def test_an_answer_that_is_used_again_is_not_used_by_the_next_case(results: Results) -> None:
    text = """
  - {name: a, route: cached, given: {event: cases/sale.json}, stub: {rating: {returns: 1}}, expect: {data: {rating: 1}}}
  - {name: b, route: cached, given: {event: cases/sale.json}, stub: {rating: {returns: 2}}, expect: {data: {rating: 2}}}
  - {name: c, route: cached, given: {event: cases/sale.json}, expect: {sinks: {sold: {count: 0}}}}
"""
    first, second, third = results(text, cached=CACHED)
    assert (first.problems, second.problems) == ((), ())
    assert "step `rating` of route cached calls core.http" in third.problems[0]


# --- coverage --------------------------------------------------------------------------------------------------------

WAYS = """
tillflow: 1
route: ways
version: 1.0.0
owner: finance
criticality: operational
from: {event: sale@1}
steps:
  - id: careful
    try:
      steps: [{id: strict, check: [{that: "total > `20`", otherwise: {work_item: too-little}}]}]
      catch: {steps: [{id: lenient, set: {size: {const: small}}}]}
  - {id: common, subflow: {name: shared-steps}}
  - {id: wait, delay: {for: 1h}}
to: [{id: sold, event: stock@1, map: sale-to-stock}]
"""
SHARED = """
tillflow: 1
subflow: shared-steps
steps: [{id: note, when: "pieces > `1`", set: {many: {const: true}}}]
"""


def test_ways_through_nested_and_shared_steps_are_counted(shop: Path) -> None:
    (shop / "routes" / "ways.yaml").write_text(WAYS, "utf-8")
    (shop / "routes" / "shared-steps.yaml").write_text(SHARED, "utf-8")
    test = "{name: a, given: {event: cases/sale.json}, clock: {advance: 2h}, expect: {sinks: {sold: {count: 1}}}}"
    (shop / "routes" / "ways.test.yaml").write_text(f"tillflow: 1\ntests: [{test}]\n", "utf-8")
    project = load_for_tests(Settings.read({}, shop), {}, discover())
    report = run_tests(project, chosen_cases(all_cases(project.project), (), "ways"), ["ways"], lambda result: None)
    assert report.failed == []
    (ways,) = report.coverage
    missing = [(spot.id, spot.what, mark.file) for spot, mark in ways.missing]
    assert missing == [("note", "when false", "routes/shared-steps.yaml")]
    assert ways.total == len(
        ["careful", "strict", "careful catch", "lenient", "common", "note true", "note false", "wait", "sold"]
    )

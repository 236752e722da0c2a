"""Every operation of an overlay hits exactly one target that lets it, or is a finding that names the nearest."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.config.project import read_project_from
from engine.config.regions.checks import overdue
from engine.core.findings import Finding
from engine.testing.clock import current_clock, run_virtual
from tests.regions.site import BASE, CONNECTIONS, POSTING, REGIONS, SITE, brand, compiled, errors, overlay, pack

DE = pack("de")
CRM = "tillflow: 1\nconnections:\n  outside: {connector: lab, zone: eu, limits: {concurrency: 4}}\n"
CITY = brand("city", "city")


def told(*parts: dict[str, str]) -> list[Finding]:
    files = dict(BASE)
    for part in parts:
        files |= part
    return errors(files)


def idle(*parts: dict[str, str]) -> list[Finding]:
    files = dict(BASE)
    for part in parts:
        files |= part
    assert errors(files) == []
    return [finding for finding in compiled(files)[1] if finding.code == "TF6024"]


def test_the_site_has_no_finding() -> None:
    assert compiled(SITE)[1] == []


@pytest.mark.parametrize(
    ("text", "code", "line", "suggestion"),
    [
        ("set: {wey: line}\n", "TF3008", 4, "way"),
        ("set: {way: lime}\n", "TF6010", 4, ""),
        ("set: {most: 501}\n", "TF6010", 4, ""),
        ("set: {most: 0}\n", "TF6010", 4, ""),
        ("connect: {erb: outside-es}\n", "TF3008", 4, "erp"),
        ("connect: {erp: outside-et}\n", "TF3001", 4, "outside-es"),
        ("fill:\n  fiskal:\n    - {id: marked, drop: [extensions]}\n", "TF3008", 5, "fiscal"),
        ("fill_mapping: {sale-to-entri: {more: {a: receipt}}}\n", "TF3002", 4, "sale-to-entry"),
        ("fill_mapping: {sale-to-entry: {mere: {a: receipt}}}\n", "TF3008", 4, "more"),
        ("fill_mapping: {sale-to-entry: {more: {way: receipt}}}\n", "TF6017", 4, ""),
        ("fill_mapping: {sale-to-entry: {more: {a: recept}}}\n", "TF2020", 4, "receipt"),
        ("insert: [{after: trainin, steps: [{id: marked, drop: [extensions]}]}]\n", "TF3008", 4, "training"),
        ("insert: [{before: training, steps: [{id: marked, drop: [extensions]}]}]\n", "TF6011", 4, ""),
        ("insert: [{after: card-data, steps: [{id: marked, drop: [extensions]}]}]\n", "TF6011", 4, ""),
        ("disable: [{id: note, reason: law}]\n", "TF3008", 4, "notes"),
        ("disable: [{id: card-data, reason: law}]\n", "TF6011", 4, ""),
        ("disable: [{id: erp, reason: law}]\n", "TF6011", 4, ""),
        ("expects_change: [{test: a sale is postd and noted, because: law}]\nset: {way: line}\n", "TF3008", 4, ""),
    ],
)
def test_what_it_says_is_told_where_it_stands(text: str, code: str, line: int, suggestion: str) -> None:
    (found, *more) = [f for f in told(DE, overlay("de", text)) if f.code == code]
    assert (found.mark.file, found.mark.line) == ("routes/regions/de/posting.overlay.yaml", line)
    assert suggestion in found.suggestion and more == []


CASES = "routes/posting.test.yaml"
NAMED = {CASES: BASE[CASES].replace("    route: posting\n", "")}
CHANGES = "set: {way: summary}\nexpects_change: [{test: a sale is posted and noted, because: law, sinks: {notes: {count: 0}}}]\n"


def test_a_test_that_leaves_out_its_route_is_one_of_the_route_its_file_is_named_after() -> None:
    assert [f for f in told(DE, overlay("de", CHANGES), NAMED) if f.code == "TF3008"] == []


@pytest.mark.parametrize(
    ("written", "suggestion", "help"),
    [
        ("a sale is postd and notd", "a sale is posted and noted", "did you mean `a sale is posted and noted`?"),
        ("noted sales", "", "the nearest is `a sale is posted and noted`"),
    ],
)
def test_a_test_that_is_not_there_is_told_with_the_nearest_of_its_route(
    written: str, suggestion: str, help: str
) -> None:
    changes = CHANGES.replace("a sale is posted and noted", written)

    (found,) = [f for f in told(DE, overlay("de", changes), NAMED) if f.code == "TF3008"]

    assert (found.mark.line, found.suggestion) == (5, suggestion)
    assert help in found.help and f"no test `{written}` of the route `posting`" in found.message


def test_a_route_without_tests_is_told_as_such() -> None:
    (found,) = [f for f in told(DE, overlay("de", CHANGES), {CASES: "tillflow: 1\ntests: []\n"}) if f.code == "TF3008"]

    assert found.help == "`posting` has no test at all"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("set: {way: line}\n", 4, "`way` is line without this line"),
        ("set: {way: summary, most: 100}\n", 4, "`most` is 100 without this line"),
        ("connect: {erp: outside}\n", 4, "`erp` goes to `outside` without this line"),
        ("fill:\n  fiscal: []\n", 5, "no step fills `fiscal` here"),
        ("fill_mapping: {sale-to-entry: {more: {}}}\n", 4, "no field fills `more` of `sale-to-entry` here"),
        ("disable: [{id: notes, reason: a}, {id: notes, reason: b}]\n", 4, "`notes` is disabled without this line"),
    ],
)
def test_what_makes_no_difference_is_a_warning(text: str, line: int, told: str) -> None:
    (found,) = idle(DE, overlay("de", text))
    assert (found.severity, found.message) == ("warning", told)
    assert (found.mark.file, found.mark.line) == ("routes/regions/de/posting.overlay.yaml", line)


def test_the_same_value_written_another_way_makes_no_difference() -> None:
    minutes = POSTING.replace(
        "params:\n", "params:\n  pause: {type: duration, default: 1m, overridable_by: [country]}\n"
    )
    assert idle(DE, {"routes/posting.yaml": minutes}, overlay("de", "set: {pause: 60s}\n"))
    assert not idle(DE, {"routes/posting.yaml": minutes}, overlay("de", "set: {pause: 61s}\n"))


def test_what_a_rule_asks_for_is_held_whatever_the_base_becomes() -> None:
    assert not idle(DE, overlay("de", "legal: [{ref: a law}]\nset: {way: line}\nconnect: {erp: outside}\n"))


def test_what_makes_a_difference_in_one_scope_or_on_one_day_is_none() -> None:
    """A brand takes back, in its shops, what the country around it changed; where no country does, it says nothing."""
    parts = (pack("es"), CITY, overlay("city", "set: {way: line}\n"))
    assert idle(*parts)
    assert not idle(*parts, overlay("es", "set: {way: summary}\n"))
    assert not idle(*parts, overlay("es", "effective: {until: 2026-12-31}\nset: {way: summary}\n"))


def test_the_base_stays_out_of_it() -> None:
    """A mistake of one overlay is no finding of anything else."""
    found = told(DE, overlay("de", "set: {wey: line}\n"))
    assert {finding.mark.file for finding in found} == {"routes/regions/de/posting.overlay.yaml"}


def test_another_version_of_the_route() -> None:
    (found,) = told(DE, overlay("de", "set: {way: line}\n", base="posting@^2"))
    assert found.code == "TF6013" and found.suggestion == "^1"
    newer = {"routes/posting.yaml": POSTING.replace("version: 1.0.0", "version: 1.4.0")}
    assert told(DE, newer, overlay("de", "set: {way: line}\n", base="posting@^1.3")) == []
    assert [f.code for f in told(DE, newer, overlay("de", "set: {way: line}\n", base="posting@^1.5"))] == ["TF6013"]


def test_a_route_nobody_knows() -> None:
    (found,) = told(DE, overlay("de", "set: {way: line}\n", base="postin@^1"))
    assert found.code == "TF3016" and found.suggestion == "posting"


def test_a_layer_that_may_not_set_it() -> None:
    (found,) = told(DE, CITY, overlay("city", "set: {most: 50}\n"))
    assert found.code == "TF6008" and found.also[0].file == "routes/posting.yaml"


def test_an_overlay_needs_a_pack() -> None:
    assert [f.code for f in told(DE, overlay("at", "set: {way: line}\n"))] == ["TF6002"]


def test_packs_need_scopes() -> None:
    files = {path: text for path, text in (BASE | DE).items() if path != "routes/scopes.yaml"}
    assert [finding.code for finding in errors(files)] == ["TF6018"]


def test_one_pack_for_one_country() -> None:
    assert [finding.code for finding in told(DE, pack("xd", "DE"))] == ["TF6019"]


def test_one_name_for_one_overlay() -> None:
    other = {
        "routes/regions/de/more.overlay.yaml": "tillflow: 1\noverlay: de-posting\nbase: posting@^1\nset: {most: 7}\n"
    }
    assert [finding.code for finding in told(DE, overlay("de", "set: {way: line}\n"), other)] == ["TF6022"]


def test_an_overlay_nobody_comes_to() -> None:
    text = "insert: [{after: shape, steps: [{id: marked, drop: [note]}]}]\n"
    assert [f.code for f in told(DE, overlay("de", text, "ingest", "ingest@^1"))] == ["TF6023"]


class TestTwoOfOneLayer:
    def test_they_need_an_order(self) -> None:
        one, other = (overlay("de", f"set: {{way: {way}}}\n", name) for name, way in (("a", "line"), ("b", "summary")))
        (found,) = told(DE, one, other)
        assert found.code == "TF6014" and "`way`" in found.message
        assert {found.mark.file, found.also[0].file} == {
            "routes/regions/de/a.overlay.yaml",
            "routes/regions/de/b.overlay.yaml",
        }

    def test_the_higher_one_comes_later(self) -> None:
        for first, last in ((1, 2), (2, 1)):
            one = overlay("de", f"order: {first}\nset: {{way: line}}\n", "a")
            other = overlay("de", f"order: {last}\nset: {{way: summary}}\n", "b")
            routes, found = compiled(BASE | DE | one | other)
            assert [f for f in found if f.severity == "error"] == []
            plan = routes.regional["posting"].at('{"country":"DE"}').ground.on("2026-01-01").plan  # type: ignore[union-attr]
            assert plan.params["way"] == ("summary" if last == 2 else "line")

    def test_days_that_do_not_meet_need_none(self) -> None:
        one = overlay("de", "effective: {until: 2026-12-31}\nset: {way: line}\n", "a")
        other = overlay("de", "effective: {since: 2027-01-01}\nset: {way: summary}\n", "b")
        assert told(DE, one, other) == []
        late = overlay("de", "effective: {since: 2026-12-31}\nset: {way: summary}\n", "b")
        assert [finding.code for finding in told(DE, one, late)] == ["TF6014"]

    def test_other_things_need_none(self) -> None:
        one, other = overlay("de", "set: {way: line}\n", "a"), overlay("de", "set: {most: 7}\n", "b")
        assert told(DE, one, other) == []


class TestSlots:
    def fill(self, step: str, allows: str = "pure, reads") -> list[str]:
        base = {"routes/posting.yaml": POSTING.replace("[pure, reads]", f"[{allows}]")}
        return [f.code for f in told(DE, base, overlay("de", f"fill:\n  fiscal:\n    - {step}\n"))]

    def test_what_its_steps_may_reach(self) -> None:
        reads = "{id: looked, enrich: {table: stores, key: store, into: extensions.fiscal.store}}"
        asks = "{id: rated, set: {extensions.fiscal.rate: \"lookup('stores', store).rate\"}}"
        calls = "{id: called, call: {use: lab, connection: outside, action: ask, with: {}, into: extensions.fiscal.a}}"
        keeps = "{id: slowed, throttle: {rate: 5/s}}"
        assert self.fill(reads) == [] and self.fill(asks) == []
        assert self.fill(reads, "pure") == ["TF6015"] and self.fill(asks, "pure") == ["TF6015"]
        assert self.fill(calls) == ["TF6015"] and self.fill(calls, "calls") == []
        assert self.fill(keeps) == ["TF6015"] and self.fill(keeps, "state") == []

    def test_also_inside_of_another_step(self) -> None:
        inner = "{id: looked, enrich: {table: stores, key: store, into: extensions.fiscal.store}}"
        step = f"{{id: chosen, choose: [{{otherwise: true, steps: [{inner}]}}]}}"
        assert self.fill(step) == [] and self.fill(step, "pure") == ["TF6015"]

    def test_what_it_may_change(self) -> None:
        assert self.fill("{id: marked, set: {extensions.fiscal.mark: {const: a}}}") == []
        assert self.fill("{id: marked, set: {extensions.local.mark: {const: a}}}") == ["TF6016"]
        assert self.fill("{id: marked, set: {total: {const: 1}}}") == ["TF6016"]
        assert self.fill("{id: marked, set: {receipt: store}}") == ["TF6016"]
        assert self.fill("{id: dropped, drop: [currency]}") == ["TF6016"]
        assert self.fill("{id: mapped, map: sale-to-entry}") == ["TF6016"]

    def test_ids_stay_apart(self) -> None:
        assert self.fill("{id: bounded, set: {extensions.fiscal.mark: {const: a}}}") == ["TF1110"]
        assert self.fill("{id: boundet, set: {extensions.fiscal.mark: {const: a}}}") == ["TF1111"]

    def test_of_two_ids_that_of_the_overlay_is_told(self) -> None:
        step = "fill:\n  fiscal:\n    - {id: bounded, set: {extensions.fiscal.mark: {const: a}}}\n"
        (finding,) = told(DE, overlay("de", step))
        assert finding.mark.file == "routes/regions/de/posting.overlay.yaml"
        assert finding.also[0].file == "routes/posting.yaml" and "of routes/posting.yaml" in finding.message

    def test_a_misspelt_step_is_told_in_the_overlay(self) -> None:
        assert self.fill("{id: marked, sett: {extensions.fiscal.mark: {const: a}}}") == ["TF3013"]


class TestConnect:
    def connections(self, more: str) -> dict[str, str]:
        return {"routes/connections.yaml": CONNECTIONS + more}

    def test_limits_of_its_own(self) -> None:
        bare = self.connections("  bare: {connector: lab, zone: eu}\n")
        assert [f.code for f in told(DE, bare, overlay("de", "connect: {erp: bare}\n"))] == ["TF6012"]
        own = self.connections("  own: {connector: lab, zone: eu, limits: {concurrency: 1}}\n")
        assert told(DE, own, overlay("de", "connect: {erp: own}\n")) == []

    def test_the_same_connector(self) -> None:
        other = self.connections("  other: {connector: formats, zone: eu, limits: {concurrency: 1}}\n")
        assert "TF6012" in [f.code for f in told(DE, other, overlay("de", "connect: {erp: other}\n"))]


class TestResidency:
    ELSEWHERE = {  # noqa: RUF012
        "routes/connections.yaml": CONNECTIONS.replace(
            "outside: {connector: lab, zone: eu,", "outside: {connector: lab, zone: us,"
        )
    }

    def test_a_sink_outside_is_refused(self) -> None:
        found = told(self.ELSEWHERE, DE)
        assert {f.code for f in found} == {"TF6020"}
        assert {f.mark.file for f in found} == {"routes/posting.yaml", "routes/plain.yaml"}
        assert compiled(BASE | self.ELSEWHERE | DE)[0].plans.keys() == {"ingest"}

    def test_a_connection_of_its_own_is_the_way_out(self) -> None:
        inside = {
            "routes/connections.yaml": self.ELSEWHERE["routes/connections.yaml"]
            + "  inside: {connector: lab, zone: eu, limits: {concurrency: 1}}\n"
        }
        files = {path: text for path, text in (BASE | inside | DE).items() if path != "routes/plain.yaml"}
        text = "connect: {erp: inside}\ndisable: [{id: notes, reason: no way to do it here}]\n"
        assert errors(files | overlay("de", text)) == []
        assert [f.code for f in errors(files | overlay("de", "connect: {erp: inside}\n"))] == ["TF6020"]

    def test_a_system_of_which_nobody_says_where_it_stands(self) -> None:
        unsaid = {"routes/connections.yaml": CONNECTIONS.replace(", zone: eu", "")}
        assert {f.code for f in told(unsaid, DE)} == {"TF6020"}
        assert told(unsaid) == []


def test_a_review_that_is_due_is_a_warning() -> None:
    text = "legal: [{ref: a law, review_by: 2026-06-30}]\nset: {way: line}\n"
    files = {path: content.encode() for path, content in (BASE | DE | overlay("de", text)).items()}
    project, _ = read_project_from(files, {})

    async def on_virtual_time() -> list[list[Finding]]:
        clock = current_clock()
        last_day = datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC).timestamp()
        await clock.sleep(last_day - clock.now() / 1_000_000)
        before = overdue(project, clock)
        await clock.sleep(1.0)
        return [before, overdue(project, clock)]

    before, (found,) = run_virtual(on_virtual_time())
    assert before == []
    assert (found.code, found.severity, found.mark.line) == ("TF6021", "warning", 4)


def test_regions_are_all_there_is_to_it() -> None:
    assert errors(BASE | REGIONS) == []


def test_an_overlay_may_set_a_parameter_whose_default_is_missing() -> None:
    """The base is told to have one; nothing else goes wrong on the way there."""
    text = POSTING.replace("default: line, ", "", 1)
    assert text != POSTING
    found = compiled(BASE | {"routes/posting.yaml": text} | DE | overlay("de", "set: {way: summary}\n"))[1]
    assert {one.mark.file for one in found if one.severity == "error"} <= {"routes/posting.yaml"}

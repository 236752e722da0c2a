"""What a newcomer gets wrong first: each is told before anything runs, at its line."""

from __future__ import annotations

import pytest

from engine.core.findings import Finding
from tests.compile.support import compiled, edited, fixture_files, with_changes

PRODUCTS = "mappings/tables/products.csv"


def told(files: dict[str, bytes | str], code: str) -> Finding:
    _, findings = compiled(files)
    found = [finding for finding in findings if finding.code == code]
    assert found, findings
    return found[0]


def test_a_key_that_is_in_a_table_twice_is_told_at_its_line() -> None:
    content = fixture_files()[PRODUCTS].rstrip(b"\n")
    first = content.split(b"\n")[1]

    finding = told(with_changes({PRODUCTS: content + b"\n" + first + b"\n"}), "TF3524")

    assert (finding.mark.file, finding.mark.line) == (PRODUCTS, content.count(b"\n") + 2)
    assert "twice" in finding.message


@pytest.mark.parametrize(("row", "part"), [(b"lonely", "1 cell, the header has"), (b"\xe9,x", "not UTF-8")])
def test_a_row_that_cannot_be_read_is_told(row: bytes, part: str) -> None:
    content = fixture_files()[PRODUCTS].rstrip(b"\n")

    finding = told(with_changes({PRODUCTS: content + b"\n" + row + b"\n"}), "TF3524")

    assert part in finding.message and finding.mark.line == content.count(b"\n") + 2


def test_every_wrong_line_of_a_table_is_told_in_one_run() -> None:
    lines = fixture_files()[PRODUCTS].rstrip(b"\n").split(b"\n")
    content = b"\n".join([*lines, b"lonely", lines[1], b'"open'])

    _, findings = compiled(with_changes({PRODUCTS: content}))

    assert [f.mark.line for f in findings if f.code == "TF3524"] == [len(lines) + 1, len(lines) + 2, len(lines) + 3]


def test_a_mapping_without_input_is_checked_against_what_comes_to_it() -> None:
    path = "mappings/sale-to-journal.yaml"
    text = fixture_files()[path].decode()
    line = next(each for each in text.splitlines() if each.startswith("input:"))
    files = edited(path, line + "\n", "")
    files[path] = str(files[path]).replace("receipt_no", "receipt_nr")

    finding = told(files, "TF2020")

    assert finding.mark.file == path and "receipt_nr" in finding.message


def test_what_a_step_adds_is_told_to_stand_under_adds() -> None:
    path = "mappings/sale-to-journal.yaml"
    text = fixture_files()[path].decode()
    start = text.index("adds:")
    end = text.index("output:")

    finding = told(with_changes({path: text[:start] + text[end:]}), "TF2020")

    assert finding.mark.file == path and "list it under `adds:`" in finding.help


def test_accepts_inside_from_is_told_once_where_it_belongs() -> None:
    path = "routes/pos-ingest.yaml"
    _, findings = compiled(edited(path, "  use: core.files\n", "  use: core.files\n  accepts: sale.completed@2\n"))

    assert [(f.code, f.help) for f in findings] == [("TF1106", "it belongs one level up: indent it less by two spaces")]


def test_a_value_that_must_be_a_secret_is_told_once_with_the_way_to_write_it() -> None:
    _, findings = compiled(edited("routes/connections.yaml", "${secret.klaviyo_key}", "${KLAVIYO_SECRET}"))

    assert [(f.code, "${secret.klaviyo}" in f.help) for f in findings] == [("TF1129", True)]


def test_a_format_by_another_name_is_told_by_ours() -> None:
    assert (
        told(edited("routes/pos-ingest.yaml", "format: pos.poslog", "format: jsonl"), "TF3009").suggestion == "ndjson"
    )


def test_an_aggregate_that_makes_no_required_field_is_told() -> None:
    finding = told(
        edited("routes/sales-summary.yaml", "sum: {gross: totals.gross}", "sum: {}"),
        "TF3502",
    )

    assert (finding.mark.file, finding.mark.line) == ("routes/sales-summary.yaml", 14) and "gross" in finding.message


def test_what_a_broken_step_names_is_not_called_unused() -> None:
    path = "routes/sales-posting.yaml"
    _, findings = compiled(edited(path, "missing: {work_item: unknown-sku", "missing: {work_itm: unknown-sku"))

    assert "TF3023" not in [f.code for f in findings]


def test_a_table_file_in_the_wrong_folder_is_found_by_its_name() -> None:
    path = "../mappings/tables/stores.csv"

    assert told(edited("routes/tables.yaml", path, "stores.csv"), "TF9011").suggestion == path


def test_a_number_with_a_zero_in_front_is_told_as_text() -> None:
    files = edited(
        "routes/stock.yaml", "to:\n", "steps:\n  - {id: early, when: location == 0042, filter: {reason: x}}\nto:\n"
    )

    assert told(files, "TF2001").suggestion == "'0042'"


def test_a_misspelt_type_of_records_is_told_once_and_not_at_its_mapping() -> None:
    files = dict(fixture_files()) | {
        "routes/copies.yaml": "tillflow: 1\nroute: copies\nversion: 1.0.0\nowner: store-ops\ncriticality: operational\n"
        "accepts: sale.complete@2\n"
        "from: {use: core.files, connection: store-files, format: json}\n"
        "to:\n  - {id: kept, use: core.files, connection: store-files, action: append, map: sale-to-journal, "
        "with: {name: {const: a}}}\n"
    }

    found = compiled(files)[1]

    assert [(one.code, one.suggestion) for one in found if one.mark.file == "routes/copies.yaml"] == [
        ("TF3007", "sale.completed@2")
    ]


@pytest.mark.parametrize(
    ("wrong", "suggestion"),
    [
        ("business_date: occurred_at", "date(occurred_at)"),
        ("business_date: date_time(occurred_at)", "date(date_time(occurred_at))"),
        ("business_date: totals.gross", ""),
        ("amount: receipt_no", "number(receipt_no)"),
        ("sequence: receipt_no", "number(receipt_no)"),
        ("amount: lines", ""),
    ],
)
def test_an_identity_of_the_wrong_kind_is_told_with_what_makes_it_right(wrong: str, suggestion: str) -> None:
    path = "mappings/schemas/sale.completed@2.yaml"
    old = "business_date: business_date\n" if wrong.startswith("business") else "search:"
    files = edited(path, f"  {old}", f"  {wrong}\n" if old != "search:" else f"  {wrong}\n  search:")

    finding = told(files, "TF3525")

    assert (finding.mark.file, finding.suggestion) == (path, suggestion)


@pytest.mark.parametrize("right", ["business_date: date(occurred_at)", "amount: totals.gross"])
def test_an_identity_of_the_right_kind_is_not(right: str) -> None:
    path = "mappings/schemas/sale.completed@2.yaml"
    old = "  business_date: business_date\n"
    new = f"  {right}\n" if right.startswith("business") else f"{old}  {right}\n"

    assert "TF3525" not in [f.code for f in compiled(edited(path, old, new))[1]]


def test_countries_of_a_table_without_a_pack_are_told() -> None:
    scopes = "routes/scopes.yaml"
    finding = told(edited(scopes, "country: store.country", "country: lookup('stores', store.id).country"), "TF6025")

    assert (finding.severity, finding.mark.file) == ("warning", "routes/regions/es/pack.yaml")
    assert "events of DE, US become work items `unknown-scope`" in finding.message


def test_countries_that_all_have_a_pack_are_not() -> None:
    scopes = "routes/scopes.yaml"
    files = edited(scopes, "country: store.country", "country: lookup('stores', store.id).country")
    for code in ("de", "us"):
        text = f"tillflow: 1\npack: {code}\nlayer: country\nfor: {{country: {code.upper()}}}\nowner: legal\nresidency: eu\n"
        files[f"routes/regions/{code}/pack.yaml"] = text

    assert "TF6025" not in [f.code for f in compiled(files)[1]]


@pytest.mark.parametrize("row", [b"\xe9," * 9, b"x" * 200_000])
def test_countries_of_a_table_that_cannot_be_read_are_no_second_finding(row: bytes) -> None:
    files = edited("routes/scopes.yaml", "country: store.country", "country: lookup('stores', store.id).country")
    path = "mappings/tables/stores.csv"
    files[path] = fixture_files()[path].rstrip(b"\n") + b"\n" + row + b"\n"

    assert told(files, "TF3524").mark.file == path


def test_an_unknown_connector_may_have_been_installed_since() -> None:
    finding = told(edited("routes/pos-ingest.yaml", "use: core.files", "use: acme.till"), "TF3012")

    assert "must be restarted after a connector was installed" in finding.help


def test_a_misspelt_name_in_a_mapping_is_told_once() -> None:
    path = "mappings/sale-to-journal.yaml"
    text = fixture_files()[path].decode()
    assert "line.product" in text

    _, findings = compiled(with_changes({path: text.replace("line.product", "line.produkt")}))

    assert {f.code for f in findings} == {"TF2020"}


@pytest.mark.parametrize(
    ("options", "codes"), [("csv", []), ("{csv: {group_by: [receipt_no]}}", ["TF4025"]), ("json", [])]
)
def test_records_that_cannot_be_what_is_accepted_are_told(options: str, codes: list[str]) -> None:
    text = (
        "tillflow: 1\nroute: extra\nversion: 1.0.0\nowner: store-ops\ncriticality: operational\n"
        f"accepts: sale.completed@2\nfrom: {{use: core.files, connection: store-files, format: {options}}}\n"
        "to:\n  - {id: kept, use: core.files, connection: store-files, action: append, with: {name: {const: a}, content: '@'}}\n"
    )

    assert [f.code for f in compiled(with_changes({"routes/extra.yaml": text}))[1]] == codes


def test_sinks_of_a_route_that_cannot_be_read_are_not_called_unknown() -> None:
    tests = (
        "tillflow: 1\ntests:\n  - name: on to finance\n    route: pos-ingest\n    routes: [sales-posting]\n"
        "    given: {file: cases/sale.json}\n"
        "    expect: {sinks: {sales-posting/erp: {count: 1}}, work_items: [{reason: a, step: products}]}\n"
    )
    files = edited("routes/sales-posting.yaml", "criticality: financial", "criticality: financiel")
    files["routes/chained.test.yaml"] = tests

    _, findings = compiled(files)

    assert "TF1104" in [f.code for f in findings] and "TF3026" not in [f.code for f in findings]


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("/points", "write {const: /points} for the text itself"),
        ('"{{ receipt_no }}"', "write {template:"),
        ('"Sale {{ receipt_no }}"', "write {template:"),
        ("null", "write {const: null}"),
        ("true", "write {const: true}"),
    ],
)
def test_a_text_where_an_expression_stands_is_told_how_to_write_it(written: str, advice: str) -> None:
    files = edited("routes/stock.yaml", "to:\n", f"steps:\n  - {{id: noted, set: {{note: {written}}}}}\nto:\n")

    (finding,) = [f for f in compiled(files)[1] if f.code in ("TF2001", "TF1121")]

    assert advice in finding.help


def test_a_template_without_quotes_is_told_to_have_them() -> None:
    files = edited("routes/stock.yaml", "to:\n", "steps:\n  - {id: noted, set: {note: {{ location }}}}\nto:\n")

    assert "{{ }} in double quotes" in told(files, "TF1013").help


@pytest.mark.parametrize("pattern", ["dd.mm.yyyy", "DD.MM", "%d.%m.%Y"])
def test_a_pattern_no_date_can_be_read_by_is_told(pattern: str) -> None:
    step = f"""steps:\n  - {{id: day, set: {{day: "parse_date('14.03.2026', '{pattern}')"}}}}\n"""

    assert "pattern of parse_date()" in told(edited("routes/stock.yaml", "to:\n", f"{step}to:\n"), "TF2014").message


@pytest.mark.parametrize(("was", "now"), [("probe_every: 10s", "probe_every: 0s"), ("timeout: 20s", "timeout: 0ms")])
def test_no_time_at_all_is_none(was: str, now: str) -> None:
    """Nothing would ever be done in it, or it would be tried all the time."""
    path = "routes/connections.yaml"
    text = fixture_files()[path].decode()
    line = next(number for number, each in enumerate(text.splitlines(), 1) if was in each)

    finding = told(edited(path, was, now), "TF1124")

    assert (finding.mark.file, finding.mark.line) == (path, line)

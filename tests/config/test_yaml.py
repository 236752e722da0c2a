"""The strict YAML reader: values, positions, and what is refused."""

from __future__ import annotations

import threading
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.scalars import resolve
from engine.config.yaml import read_bytes, read_text
from engine.config.yamlevents import MAX_DEPTH


def found(text: str) -> list[tuple[str, int, int]]:
    _, findings = read_bytes("f.yaml", text.encode())
    return [(f.code, f.mark.line, f.mark.column) for f in findings]


def data(text: str) -> Any:
    document, findings = read_bytes("f.yaml", text.encode())
    assert document is not None and findings == []
    return document.data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"), ("on", "on"), ("off", "off"), ("yes", "yes"), ("no", "no"), ("y", "y"), ("True", "True"),
        ("0042", "0042"), ("010", "010"), ("12:30", "12:30"), ("12:30:45", "12:30:45"), ("2026-01-01", "2026-01-01"),
        ("1_000", "1_000"), ("0x1F", "0x1F"), ("0o17", "0o17"), ("+4989", "+4989"), (".5", ".5"), ("1.", "1."),
        (".inf", ".inf"), (".nan", ".nan"), ("Null", "Null"), ("1e", "1e"), ("=", "="),
        ("true", True), ("false", False), ("null", None), ("~", None), ("0", 0), ("-7", -7),
        ("156.00", Decimal("156.00")), ("-0.5", Decimal("-0.5")), ("1e3", 1000), ("1.5e3", Decimal("1.5e3")),
        ("9007199254740993", 9007199254740993),
    ],
)  # fmt: skip
def test_plain_scalars_are_json_or_text(text: str, value: object) -> None:
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)
    assert data(f"a: {text}\n") == {"a": value}


def test_a_quoted_scalar_is_text_and_a_number_keeps_its_digits() -> None:
    read = data("a: '1'\nb: \"true\"\nc: 1.50\nd:\n")
    assert read == {"a": "1", "b": "true", "c": Decimal("1.50"), "d": None}
    assert str(read["c"]) == "1.50"


def test_keys_are_text_whatever_they_look_like() -> None:
    assert list(data("NO: a\n1: b\ntrue: c\n010: d\n")) == ["NO", "1", "true", "010"]


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: 1\na: 2\n", "TF1010", 2, 1),
        ("b: {x: 1, y: 2, x: 3}\n", "TF1010", 1, 17),
        ("a: &x {b: 1}\nc: {<<: *x}\n", "TF1011", 2, 5),
        ("a: 1\nb: !!python/object/apply:os.system [ls]\n", "TF1012", 2, 4),
        ("a: !mine 1\n", "TF1012", 1, 4),
        ("%TAG ! tag:x,2000:\n---\na: 1\n", "TF1012", 1, 1),
        ("? [1, 2]\n: 3\n", "TF1013", 1, 3),
        ("a: 1\n: 2\n", "TF1013", 2, 1),
        ("a: 1\n~: 2\n", "TF1013", 2, 1),
        ("a: 1\nb: *nothing\n", "TF1015", 2, 4),
        ("a: &x [*x]\n", "TF1015", 1, 8),
        ("a: 1" + "0" * 60 + "\n", "TF1016", 1, 4),
        ("a: 1e999999999\n", "TF1016", 1, 4),
        ("a: -1e999999999999999999999\n", "TF1016", 1, 4),
        ('a: "\\q"\n', "TF1017", 1, 5),
        ("a:\n\tb: 1\n", "TF1020", 2, 1),
        ("a:b\nc: 1\n", "TF1042", 1, 1),
        ("a: 1\nb: 'c\nd: e\n", "TF1043", 2, 4),
        ("a: b: c\n", "TF1044", 1, 5),
        ("a:\n  b: 1\n c: 2\n", "TF1045", 3, 2),
        ("a: 1\n  b: 2\n", "TF1045", 2, 3),
        ("a: @x\n", "TF1046", 1, 4),
        ("a: *.xml\n", "TF1046", 1, 4),
        ("a: > x\n", "TF1046", 1, 4),
        ("when: 'a' == b\n", "TF1047", 1, 11),
        ("a: [1, 2\nb: 3\n", "TF1048", 1, 4),
        ("a: 1\nb: {c: [1, 2],\n  d: [\n\n# end\n", "TF1048", 3, 6),
        ("a: {b: [\n", "TF1048", 1, 8),
        ("a: [{b: [1, 2}]\n", "TF1048", 1, 9),
        ("a: [1, 2]]\n", "TF1049", 1, 10),
        ("a: 1\n---\nb: 2\n", "TF1005", 2, 1),
        ("# only a comment\n", "TF1006", 1, 1),
        ("", "TF1006", 1, 1),
        ("- a\n- b\n", "TF1007", 1, 1),
        ("hello\n", "TF1007", 1, 1),
        ("a: x\u0007y\n", "TF1008", 1, 5),
        ("a: 1\nb: x\u202ey\n", "TF1008", 2, 5),
        ("a: 1\rb: 2\n", "TF1008", 1, 5),
    ],
)
def test_what_is_refused_is_told_at_its_place(text: str, code: str, line: int, column: int) -> None:
    assert (code, line, column) in found(text)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: [{when: join(',', x), b: c}]\n", 1, 12),
        ("steps:\n  - {when: length(lines[?a == 'b']) > `1`, x: y}\n", 2, 12),
        ("a: {when: contains(x, 'a'), b: c}\n", 1, 11),
        ("a: {url: ${URL}}\n", 1, 10),
        ("a: {expr: coalesce(x, lookup('s', y).z), values: {b: c}}\n", 1, 11),
    ],
)
def test_an_expression_that_yaml_cuts_is_told_to_be_quoted(text: str, line: int, column: int) -> None:
    assert found(text) == [("TF1030", line, column)]
    _, findings = read_bytes("f.yaml", text.encode())
    assert "quotes" in findings[0].help


@pytest.mark.parametrize(
    "text", ["a: {because: we don't, b: 1}\n", "a: [customers' wish, it's fine]\n", "a: don't (now\n"]
)
def test_an_apostrophe_is_no_open_quote(text: str) -> None:
    assert found(text) == []


def test_the_pieces_of_a_cut_expression_are_no_keys() -> None:
    document, _ = read_text("f.yaml", "a: {expr: coalesce(x, lookup(y).z), optional: true}\n")
    assert document is not None
    assert document.data == {"a": {"expr": "coalesce(x", "optional": True}}


def test_a_file_that_is_not_utf8_is_told_with_the_place_of_the_byte() -> None:
    document, findings = read_bytes("f.yaml", b"a: 1\nb: caf\xe9\n")
    assert document is None
    assert [(f.code, f.mark.line, f.mark.column) for f in findings] == [("TF1002", 2, 7)]


def test_a_file_above_one_mebibyte_is_refused_unparsed() -> None:
    _, findings = read_bytes("f.yaml", b"a: " + b"x" * (1 << 20))
    assert [f.code for f in findings] == ["TF1003"]


def test_byte_order_mark_and_windows_line_ends_are_accepted() -> None:
    document, findings = read_bytes("f.yaml", b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: 2\r\n")
    assert findings == [] and document is not None
    assert document.data == {"a": 1, "b": {"c": 2}}
    assert (document.marks.key(("b", "c")).line, document.marks.key(("b", "c")).column) == (3, 3)


def test_a_duplicate_names_both_places_and_other_findings_are_not_hidden() -> None:
    _, findings = read_bytes("f.yaml", b"a: 1\nb: !x 2\na: 3\n")
    assert [f.code for f in findings] == ["TF1012", "TF1010"]
    assert findings[1].also[0].line == 1


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
@pytest.mark.parametrize("depth", [MAX_DEPTH + 6, 20_000, 300_000])
def test_deep_nesting_ends_with_a_finding_on_a_small_stack_too(opening: str, depth: int) -> None:
    """Attack row X8."""
    text = (opening * depth)[: 1 << 20]
    results: list[list[str]] = []
    thread = threading.Thread(target=lambda: results.append([f.code for f in read_text("f.yaml", text)[1]]))
    thread.start()
    thread.join(20)
    assert results and results[0] and results[0][0] in ("TF1004", "TF1013")


def test_a_depth_of_64_is_read() -> None:
    assert data("a: " + "[" * 63 + "]" * 63 + "\n")["a"]


def test_an_alias_bomb_is_refused_without_expansion() -> None:
    """Attack row X8: billion laughs."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    started = time.process_time()
    codes = [code for code, *_ in found("\n".join(lines) + "\n")]
    assert codes == ["TF1014"]
    assert time.process_time() - started < 10


def test_more_than_a_hundred_aliases_are_refused() -> None:
    """Attack row X8: merge aliases by the thousand."""
    text = "a: &a {x: 1}\nb: [" + ", ".join(["*a"] * 101) + "]\n"
    assert [code for code, *_ in found(text)] == ["TF1014"]
    assert found(text.replace("*a, ", "", 1)) == []


def test_an_alias_gives_the_value_and_the_place_of_its_anchor() -> None:
    document, findings = read_text("f.yaml", "a: &a {x: 1}\nb: *a\n")
    assert findings == [] and document is not None
    assert document.data == {"a": {"x": 1}, "b": {"x": 1}}
    assert document.marks.value(("b", "x")).line == 1


def test_dangerous_tags_run_nothing(tmp_path: Any) -> None:
    """Attack row X9."""
    target = tmp_path / "made"
    codes = [code for code, *_ in found(f'a: !!python/object/apply:os.system ["touch {target}"]\n')]
    assert codes == ["TF1012"]
    assert not target.exists()


def test_country_and_store_numbers_stay_what_they_are() -> None:
    """Attack row X10."""
    assert data("country: NO\nstore: 010\n") == {"country": "NO", "store": "010"}


@given(st.text(max_size=200))
def test_any_text_gives_a_document_or_a_finding_inside_the_file(text: str) -> None:
    try:
        content = text.encode()
    except UnicodeEncodeError:
        content = text.encode("utf-8", "replace")
    document, findings = read_bytes("f.yaml", content)
    assert document is not None or findings
    lines = content.decode("utf-8").count("\n") + 1
    for finding in findings:
        assert 1 <= finding.mark.line <= lines
        assert finding.mark.column >= 1


_plain = st.text("abcxyz ,:#'\"`[](){}&*!|>%@-?~=", max_size=12)


@given(st.recursive(_plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_plain, inner, max_size=3)))
def test_what_the_emitter_writes_is_read_back(value: Any) -> None:
    import yaml as pyyaml

    text = pyyaml.safe_dump({"root": value}, default_style='"', width=20)
    document, findings = read_text("f.yaml", text)
    assert findings == [] and document is not None
    assert document.data == {"root": value}

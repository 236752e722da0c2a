"""What single formats do with what they meet."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.core.formats.csv_format import Csv
from connectors.core.formats.fixed_width import FixedWidth
from connectors.core.formats.json_formats import Json, NdJson
from connectors.core.formats.numbers import number
from connectors.core.formats.xml_format import Xml
from connectors.pos.till_csv.format import TillCsv
from engine.sdk import BadRecord, Failure, Permanent, Record

COUNTED = {"lines": [{"type": "l", "fields": [{"name": "n", "from": 1, "length": 4, "type": "integer"}]}]}


def data_of(reader: Any, content: bytes) -> list[Any]:
    return [record.data for record in reader.decode(content, "file") if isinstance(record, Record)]


def failure_of(reader: Any, content: bytes) -> Failure:
    with pytest.raises(Failure) as caught:
        list(reader.decode(content, "file.dat"))
    return caught.value


def bad_of(reader: Any, content: bytes) -> str:
    (bad,) = [record for record in reader.decode(content, "file") if isinstance(record, BadRecord)]
    return bad.failure.detail


# --- csv -------------------------------------------------------------------------------------------------------------


def test_csv_keeps_text_and_leaves_empty_cells_out() -> None:
    assert data_of(Csv(Csv.Config()), b"store,till\r\n0042,\r\n") == [{"store": "0042"}]
    assert data_of(Csv(Csv.Config(empty="text")), b"store,till\r\n0042,\r\n") == [{"store": "0042", "till": ""}]


@pytest.mark.parametrize("content", ["\u00a0", "\x1c\n", "\ufeff\u2028\n", "\n\x85"])
@pytest.mark.parametrize("reader", [Csv(Csv.Config()), Csv(Csv.Config(group_by=["store"])), TillCsv(TillCsv.Config())])
def test_csv_of_nothing_but_space_is_an_empty_document(reader: Any, content: str) -> None:
    failure = failure_of(reader, content.encode())
    assert (failure.reason, failure.detail) == ("corrupt-document", "file.dat: the document is empty")


def test_csv_a_lost_quote_spoils_one_line() -> None:
    records = list(Csv(Csv.Config()).decode(b'a,b\n1,"x\n2,y\n3,z\n', "f"))
    assert [(type(r).__name__, r.line) for r in records] == [("BadRecord", 2), ("Record", 3), ("Record", 4)]


def test_csv_a_quoted_cell_may_hold_line_ends() -> None:
    records = list(Csv(Csv.Config()).decode(b'a,b\n"x\ny",1\nz,2\n', "f"))
    assert [(r.data["a"], r.line) for r in records if isinstance(r, Record)] == [("x\ny", 2), ("z", 4)]


def test_csv_bytes_of_another_encoding_spoil_one_line() -> None:
    content = b"a,b\n1,x\n2,\xe4\n3,y\n"
    assert [type(r).__name__ for r in Csv(Csv.Config()).decode(content, "f")] == ["Record", "BadRecord", "Record"]
    assert data_of(Csv(Csv.Config(encoding="cp1252")), content)[1] == {"a": "2", "b": "ä"}


def test_csv_groups_rows_that_belong_together() -> None:
    reader = Csv(Csv.Config(group_by=["order"]))
    made = data_of(reader, b"order,sku\n1,A\n1,B\n2,C\n")
    assert made == [
        {"order": "1", "rows": [{"order": "1", "sku": "A"}, {"order": "1", "sku": "B"}]},
        {"order": "2", "rows": [{"order": "2", "sku": "C"}]},
    ]


def test_csv_groups_that_were_interleaved_are_one_and_a_repeat_is_two() -> None:
    reader = Csv(Csv.Config(group_by=["order"]))
    assert [len(made["rows"]) for made in data_of(reader, b"order,sku\n1,A\n2,C\n1,B\n")] == [2, 1]
    assert [len(made["rows"]) for made in data_of(reader, b"order,sku\n1,A\n2,C\n1,A\n")] == [1, 1, 1]


RECEIPTS = b"store,till,no,sku\n" + b"".join(b"12,03,%d,A\n" % number for number in (4001, 4002))
MORE = b"12,03,4003,A\n12,04,9,A\n"


@pytest.mark.parametrize(
    "bad, held",
    [
        (b"12,03,4001\n", ["4001"]),  # interleaved: its own, not those it stands between
        (b"12,03,400\n", ["4001", "4002", "4003"]),
        (b"12,04\n", ["9"]),
        (b'"12","03","4001","B\n', ["4001"]),
        (b'"12","03","4001\n', ["4001"]),
        (b"12,03,40\xff1,B\n", ["4001", "4002", "4003"]),
        (b"12,03,5000\n", []),
    ],
)
def test_csv_a_bad_row_holds_every_group_that_agrees_with_what_it_tells(bad: bytes, held: list[str]) -> None:
    reader = Csv(Csv.Config(group_by=["store", "till", "no"]))
    records = list(reader.decode(RECEIPTS + bad + MORE, "f"))
    made = [record.data["no"] for record in records if isinstance(record, Record)]
    assert made == [number for number in ("4001", "4002", "4003", "9") if number not in held]
    waiting = [record for record in records if isinstance(record, BadRecord)]
    assert len(waiting) == max(len(held), 1)
    assert all(one.line == 4 and bad in one.raw for one in waiting)


@pytest.mark.parametrize("bad", [b"rubbish\n", b'"12,03,4001,B\n', b"12\n"])
def test_csv_a_row_that_may_be_of_any_group_makes_the_whole_file_wait(bad: bytes) -> None:
    failure = failure_of(Csv(Csv.Config(group_by=["store", "till", "no"])), RECEIPTS + bad + MORE)
    assert failure.reason == "corrupt-document" and "line 4: " in failure.detail
    assert "may be of any of 4: mend or remove it, the whole file waits" in failure.detail


def test_csv_torn_rows_of_their_own_groups_hold_nothing_else() -> None:
    torn = b"".join(b"12,03,%d\n" % number for number in range(5000, 5200))
    records = list(Csv(Csv.Config(group_by=["store", "till", "no"])).decode(RECEIPTS + torn + MORE, "f"))
    assert sum(isinstance(record, Record) for record in records) == 4
    assert sum(isinstance(record, BadRecord) for record in records) == 200


@pytest.mark.parametrize(
    "format, content, place",
    [
        (Csv(Csv.Config()), b"a,b\n1,2\n1\n", "day.txt, line 3: 1 cells"),
        (Csv(Csv.Config(columns=["a", "b"])), b"1\n", "day.txt, line 1: 1 cells"),
        (Csv(Csv.Config(group_by=["a"])), b'a,b\n1,"2\n', "day.txt, line 2: a quoted cell is not closed"),
        (FixedWidth(FixedWidth.Config.model_validate(COUNTED)), b"0001\n00x1\n", "day.txt, line 2: "),
    ],
)
def test_a_bad_record_names_file_and_line(format: Any, content: bytes, place: str) -> None:
    (bad,) = [one for one in format.decode(content, "day.txt") if isinstance(one, BadRecord)]
    assert bad.failure.detail.startswith(place)
    assert (bad.failure.data["file"], bad.failure.data["line"]) == ("day.txt", bad.line)


NAMED = {
    "lines": [
        {
            "type": "sale",
            "fields": [
                {"name": "no", "start": 1, "length": 4},
                {"name": "total", "start": 5, "length": 4, "type": "decimal"},
                {"name": "till", "start": 9, "length": 2},
            ],
        }
    ]
}


@pytest.mark.parametrize(
    "format, content, known",
    [
        (Csv(Csv.Config()), b"no,till,total\n1001,03,1,2\n", {"no": "1001", "till": "03", "total": "1"}),
        (Csv(Csv.Config()), b"no,till,total\n1001,03\n", {"no": "1001"}),  # what the last cell said is cut off
        (Csv(Csv.Config(columns=["no", "till"])), b"10\xff1,03,x\n", {"till": "03"}),
        (Csv(Csv.Config(group_by=["no"])), b"no,till\n1001,03,x\n", {"no": "1001"}),
        (Csv(Csv.Config(group_by=["till", "no"])), b"till,no,x\n03,1001,a\n04,10\n", {"till": "04"}),
        (
            FixedWidth(FixedWidth.Config.model_validate(NAMED)),
            b"100112x403\n",
            {"type": "sale", "no": "1001", "till": "03"},
        ),
        (FixedWidth(FixedWidth.Config.model_validate(NAMED)), b"1001\xff\n", {}),
    ],
)
def test_a_bad_record_tells_what_could_be_read_of_it(format: Any, content: bytes, known: dict[str, str]) -> None:
    bad = [one for one in format.decode(content, "day.txt") if isinstance(one, BadRecord)][-1]
    assert bad.known == known


def test_csv_a_group_by_of_a_missing_column_is_said() -> None:
    assert "no column `order`" in failure_of(Csv(Csv.Config(group_by=["order"])), b"a,b\n1,2\n").detail


@pytest.mark.parametrize("mark, shown", [(";", ";"), ("\t", "\\t"), ("|", "|")])
def test_csv_another_delimiter_in_the_header_is_told(mark: str, shown: str) -> None:
    content = f"store{mark}till\n1{mark}2\n".encode()
    detail = failure_of(Csv(Csv.Config(group_by=["store"])), content).detail
    assert detail.endswith(f'Is it `delimiter: "{shown}"`?')


def test_bytes_that_are_not_utf_8_are_told_in_plain_words() -> None:
    (bad,) = [r for r in Csv(Csv.Config()).decode(b"a,b\n1,x\n2,\xe9\n", "f") if isinstance(r, BadRecord)]
    why = "byte 0xE9, byte 3 of the line, is not UTF-8"
    assert bad.failure.detail == f"f, line 3: {why}; declare `encoding:` or save it as UTF-8"
    (bad,) = [r for r in NdJson(NdJson.Config()).decode(b'"x\xe9"\n', "f") if isinstance(r, BadRecord)]
    assert bad.failure.detail == "f, line 1: byte 0xE9, byte 3 of the line, is not UTF-8; save it as UTF-8"


@pytest.mark.parametrize("cell", ["=cmd|' /C calc'!A0", "+1+1", "@SUM(A1)", "\t=1", "\r=1", "-2+3"])
def test_csv_formula_cells_are_neutralised(cell: str) -> None:
    written = Csv(Csv.Config(columns=["x"])).encode([{"x": cell}]).decode()
    assert written.lstrip('"').startswith("'")


@pytest.mark.parametrize(
    "cell, written", [("-12.50", "-12.50"), (Decimal("-12.50"), "-12.50"), (-3, "-3"), ("+34600", "+34600")]
)
def test_csv_numbers_stay_numbers(cell: Any, written: str) -> None:
    assert Csv(Csv.Config(columns=["x"])).encode([{"x": cell}]).decode().strip() == written


def test_csv_refuses_to_write_what_is_no_cell() -> None:
    with pytest.raises(Permanent, match="list or an object"):
        Csv(Csv.Config(columns=["x"])).encode([{"x": [1]}])
    with pytest.raises(Permanent, match="not one of the columns"):
        Csv(Csv.Config(columns=["x"])).encode([{"y": "1"}])


def test_csv_stays_linear_with_a_lost_quote_in_every_line() -> None:
    records = list(Csv(Csv.Config()).decode(b"a,b\n" + b'1,"x\n' * 3000, "f"))
    assert len(records) == 3000


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08rest", b"PK\x03\x04rest", b"BZh9rest", b"\xfd7zXZrest"])
@pytest.mark.parametrize("format", [Csv(Csv.Config()), Json(Json.Config()), Xml(Xml.Config())])
def test_archives_are_refused_and_told_so(format: Any, content: bytes) -> None:
    assert "archive" in failure_of(format, content).detail


def test_a_document_above_its_cap_is_refused_before_it_is_parsed() -> None:
    assert failure_of(Csv(Csv.Config(max_size="1KiB")), b"a\n" * 1000).reason == "too-large"


# --- json ------------------------------------------------------------------------------------------------------------


def test_json_is_exact() -> None:
    (made,) = data_of(Json(Json.Config()), b'{"total": 10.10, "id": 820982911946155509}')
    assert made == {"total": Decimal("10.10"), "id": 820982911946155509}
    assert str(made["total"]) == "10.10"


def test_json_list_as_records_or_whole() -> None:
    assert data_of(Json(Json.Config()), b"[1, 2]") == [1, 2]
    assert data_of(Json(Json.Config(whole=True)), b"[1, 2]") == [[1, 2]]


def test_json_without_the_list_is_said() -> None:
    assert "no list at `orders`" in failure_of(Json(Json.Config(records="orders")), b'{"orders": 1}').detail


@pytest.mark.parametrize(
    "content, why",
    [
        (b"[" * 100_000, "nested deeper"),
        (b'{"a":' + b"1" * 5000 + b"}", "digits"),
        (b'{"a": NaN}', "not a JSON value"),
        (b'{"a": 1, "a": 2}', "occurs twice"),
        (b'{"a":\n "x\\ud83d\\ude00\\ud800"}', "line 2, column 16: \\ud800 is half of a surrogate pair"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
        (b'{"a": 1', "line 1"),
        (b"store;till", "line 1, column 1: not JSON: expecting value"),
    ],
)
def test_json_attacks_are_refused_with_the_reason(content: bytes, why: str) -> None:
    assert why in failure_of(Json(Json.Config()), content).detail


def test_ndjson_a_bad_line_has_its_number() -> None:
    records = list(NdJson(NdJson.Config()).decode(b'{"a": 1}\n{"a": \n\n{"a": 3}', "f"))
    assert [(type(r).__name__, r.line, r.number) for r in records] == [
        ("Record", 1, 0),
        ("BadRecord", 2, 1),
        ("Record", 4, 2),
    ]


# --- xml -------------------------------------------------------------------------------------------------------------


def test_xml_normal_form() -> None:
    (made,) = data_of(Xml(Xml.Config()), b'<Order id="7"><Line sku="A">2</Line><Note>hello</Note></Order>')
    assert made == {"@id": "7", "Line": [{"@sku": "A", "#": "2"}], "Note": [{"#": "hello"}]}


def test_xml_single_and_text_only() -> None:
    reader = Xml(Xml.Config(single=["Note", "Head"], text_only=["Note", "Tag"]))
    (made,) = data_of(reader, b'<o><Note lang="en">hi</Note><Tag>a</Tag><Tag>b</Tag><Head x="1"/></o>')
    assert made == {"Note": "hi", "Note@lang": "en", "Tag": ["a", "b"], "Head": {"@x": "1"}}


def test_xml_namespaces_by_alias_and_in_full() -> None:
    reader = Xml(Xml.Config(namespaces={"": "urn:a", "x": "urn:b"}))
    (made,) = data_of(reader, b'<o xmlns="urn:a" xmlns:q="urn:b" xmlns:z="urn:c"><l/><q:l q:k="1"/><z:l/></o>')
    assert made == {"l": [{}], "x:l": [{"@x:k": "1"}], "{urn:c}l": [{}]}


def test_xml_a_record_has_the_line_it_begins_on() -> None:
    records = list(Xml(Xml.Config(record="o/l")).decode(b"<o>\n\n<l/>\n<l/></o>", "f"))
    assert [record.line for record in records] == [3, 4]


@pytest.mark.parametrize(
    "content",
    [
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><a/>',
        b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1/x"> %p;]><a/>',
        b'<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;&l;&l;">]><a>&m;</a>',
    ],
)
def test_xml_document_types_and_entities_are_refused(content: bytes) -> None:
    failure = failure_of(Xml(Xml.Config()), content)
    assert failure.reason == "corrupt-document"
    assert "not accepted" in failure.detail


def test_xml_an_include_is_only_an_element() -> None:
    content = b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/passwd"/></a>'
    (made,) = data_of(Xml(Xml.Config(namespaces={"xi": "http://www.w3.org/2001/XInclude"})), content)
    assert made == {"xi:include": [{"@href": "/etc/passwd"}]}


def test_xml_a_bad_record_is_a_document_of_its_own() -> None:
    content = (
        """<?xml version="1.0"?>\n<a k=">"><b n='1'><c><Id>1</Id></c><c x=">"><Id>2</Id><Id>3</Id></c><c/></b></a>"""
    )
    reader = Xml(Xml.Config(record="a/b/c", single=["Id"]))
    for document in (content.encode(), content.encode("utf-16")):
        (bad,) = [record for record in reader.decode(document, "f") if isinstance(record, BadRecord)]
        assert bad.raw.endswith(b"""<a k=">"><b n='1'><c x=">"><Id>2</Id><Id>3</Id></c></b></a>""")
        assert data_of(reader, bad.raw.replace(b"<Id>3</Id>", b"")) == [{"@x": ">", "Id": {"#": "2"}}]


def test_xml_a_torn_document_gives_no_record_at_all() -> None:
    reader = Xml(Xml.Config(record="o/l"))
    records = reader.decode(b"<o>\n<l/>\n<l/>\n<l", "torn.xml")
    with pytest.raises(Permanent, match=r"torn\.xml, line 4") as caught:
        next(records)
    assert caught.value.data == {"file": "torn.xml", "line": 4}


def test_xml_depth_is_bounded() -> None:
    assert "nested deeper" in failure_of(Xml(Xml.Config()), b"<a>" * 5000 + b"</a>" * 5000).detail


# --- fixed width and numbers -----------------------------------------------------------------------------------------


def fixed(**changes: Any) -> FixedWidth:
    field = {"name": "net", "from": 3, "length": 8, "type": "decimal", "scale": 2} | changes
    return FixedWidth(FixedWidth.Config.model_validate({"lines": [{"type": "l", "fields": [field]}]}))


@pytest.mark.parametrize(
    "text, value", [("    1250", "12.50"), ("   12.50", "12.50"), ("   1250-", "-12.50"), ("00001250", "12.50")]
)
def test_fixed_width_amounts(text: str, value: str) -> None:
    (made,) = data_of(fixed(), f"L {text}\n".encode())
    assert made["net"] == Decimal(value)


@pytest.mark.parametrize("kind", ["decimal", "integer"])
@pytest.mark.parametrize("line", [b"ZZZZZ0012", b"ZZZZZ0000125", b"ZZZZZ   "])
def test_fixed_width_reads_no_torn_number_as_a_smaller_one(kind: str, line: bytes) -> None:
    column: dict[str, Any] = {"name": "amt", "from": 6, "length": 8, "type": kind}
    told = bad_of(fixed(**column, scale=2 if kind == "decimal" else None), line)
    assert f"the line ends inside field `amt`: columns 6 to 13, the line has {len(line)}" in told


def test_fixed_width_text_may_have_lost_its_padding() -> None:
    assert data_of(fixed(type="text", scale=None), b"L Ana\n") == [{"type": "l", "net": "Ana"}]


def test_fixed_width_refuses_what_does_not_fit() -> None:
    with pytest.raises(Permanent, match="longer than"):
        fixed(length=3).encode([{"net": Decimal("123.45")}])
    with pytest.raises(Permanent, match="more than 2 decimals"):
        fixed().encode([{"net": Decimal("1.005")}])


@pytest.mark.parametrize(
    "text, decimal, thousands, value",
    [
        ("1.234,50", ",", ".", "1234.50"),
        ("-1,80", ",", ".", "-1.80"),
        ("1,234.50", ".", ",", "1234.50"),
        ("0,15", ",", ".", "0.15"),
        ("12-", ".", "", "-12"),
        ("\u22121.5", ".", "", "-1.5"),
    ],
)
def test_numbers_as_people_write_them(text: str, decimal: str, thousands: str, value: str) -> None:
    assert number(text, decimal, thousands) == Decimal(value)


@pytest.mark.parametrize("text", ["", "abc", "1,2,3", "1.23,4.5", "1e5", "NaN", "Infinity", "0x10", "1_000", "12.34,5"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        number(text, ",", ".")


@pytest.mark.parametrize(
    "content",
    ["<Orders/>", "<Orders>\n</Orders>", "<Orders><Header><Id/></Header></Orders>", "<Orders><!-- --></Orders>"],
)
def test_xml_a_document_of_its_kind_without_a_record_has_none(content: str) -> None:
    assert data_of(Xml(Xml.Config(record="Orders/Order")), content.encode()) == []
    assert data_of(Xml(Xml.Config(record="Orders/Order")), content.encode("utf-16")) == []
    assert data_of(Xml(Xml.Config(record="Orders/All/Order")), b"<Orders><Header/><All><Note/></All></Orders>") == []


def test_xml_a_document_without_a_record_may_be_large() -> None:
    assert data_of(Xml(Xml.Config(record="Orders/Order")), b"<Orders>" + b"<h/>" * 200_001 + b"</Orders>") == []


@pytest.mark.parametrize(
    "content, why",
    [
        ("<Other><Order/></Other>", "no element at `Orders/Order`; its root is `Other`"),
        ("<Orders><Odrer/></Orders>", "`Odrer` stands where `Order` would"),
        ("<Orders><order/></Orders>", "`order` stands where `Order` would"),
        ("<x><Orders><Order/></Orders></x>", "its root is `x`"),
        ("<Order/>", "its root is `Order`"),
        ("<Orders>\n<Batch><Order/></Batch></Orders>", "line 2: there is no element at `Orders/Order`, but `Order` in"),
    ],
)
def test_xml_a_document_of_another_kind_is_corrupt(content: str, why: str) -> None:
    failure = failure_of(Xml(Xml.Config(record="Orders/Order")), content.encode())
    assert failure.reason == "corrupt-document" and why in failure.detail


def test_xml_records_of_another_namespace_are_told_and_not_lost() -> None:
    reader = Xml(Xml.Config(record="a:Orders/a:Order", namespaces={"a": "urn:a"}))
    assert data_of(reader, b'<Orders xmlns="urn:a"><Header/></Orders>') == []
    content = b'<Orders xmlns="urn:a"><Order xmlns="urn:b"/></Orders>'
    assert "`Order` stands where `Order` would" in failure_of(reader, content).detail


def test_xml_a_root_that_is_the_record_is_there_or_the_document_is_corrupt() -> None:
    assert "its root is `Other`" in failure_of(Xml(Xml.Config(record="Order")), b"<Other/>").detail


def test_xml_elements_inside_what_is_declared_as_text_are_said() -> None:
    reader = Xml(Xml.Config(text_only=["Id"]))
    assert "`Id` is declared as text and has elements" in bad_of(reader, b"<A><Id>1<b>2</b></Id></A>")


def test_fixed_width_text_after_the_last_field_is_said() -> None:
    column = {"name": "a", "from": 1, "length": 3}
    reader = FixedWidth(FixedWidth.Config.model_validate({"lines": [{"type": "x", "fields": [column]}]}))
    assert data_of(reader, b"abc   ") == [{"type": "x", "a": "abc"}]
    assert "text after column 3" in bad_of(reader, b"abcd")


def test_digits_of_other_scripts_are_no_number() -> None:
    with pytest.raises(ValueError, match="is not a number"):
        number("\u0661\u0662")

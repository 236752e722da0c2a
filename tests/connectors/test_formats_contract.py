"""Every format keeps the contract of formats."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from connectors.core.formats.csv_format import Csv
from connectors.core.formats.fixed_width import FixedWidth
from connectors.core.formats.json_formats import Json, NdJson
from connectors.core.formats.xml_format import Xml
from connectors.pos.poslog.format import PosLog
from connectors.pos.till_csv.format import TillCsv
from engine.testing.contracts import FormatContract, FormatSubject


class TestCsv(FormatContract):
    def subject(self) -> FormatSubject:
        good = {b"a,b\r\n1,2\r\n\r\n3,4\r\n": 2, b"a,b\n": 0, b'a\n"x\ny"\n': 1}
        return FormatSubject(
            Csv(Csv.Config()), good, spoiled=(b"a,b\n1,2\n3\n4,5\n", 3), items=({"a": "1", "b": "x"}, {"a": "2"})
        )


class TestGroupedCsv(FormatContract):
    def subject(self) -> FormatSubject:
        reader = Csv(Csv.Config(group_by=["order"], columns=["order", "sku", "qty"]))
        return FormatSubject(reader, {b"1,A,2\n1,B,1\n2,A,5\n": 2}, spoiled=(b"1,A,2\n2,A,\xff\n3,A,1\n", 2))


class TestFixedWidth(FormatContract):
    def subject(self) -> FormatSubject:
        lines = [
            {"type": "head", "prefix": "H", "fields": [{"name": "store", "from": 2, "length": 4}]},
            {
                "type": "line",
                "prefix": "L",
                "fields": [
                    {"name": "sku", "from": 2, "length": 8},
                    {"name": "qty", "from": 10, "length": 4, "type": "integer"},
                    {"name": "net", "from": 14, "length": 8, "type": "decimal", "scale": 2},
                ],
            },
        ]
        good = b"H0012\r\nLSKU-1001   2    1250\r\nLSKU-1002  -1   -1250\r\n"
        items = (
            {"type": "head", "store": "0012"},
            {"type": "line", "sku": "SKU-1001", "qty": 2, "net": Decimal("12.50")},
            {"type": "line", "sku": "SKU-1002", "qty": -1, "net": Decimal("-12.50")},
        )
        reader = FixedWidth(FixedWidth.Config.model_validate({"lines": lines}))
        return FormatSubject(reader, {good: 3}, spoiled=(good + b"LSKU-1003   x    1250\r\nH0013\r\n", 4), items=items)


class TestJson(FormatContract):
    def subject(self) -> FormatSubject:
        good = {b'{"a": 1.10}': 1, b"[1, 2, 3]": 3, b"[]": 0}
        return FormatSubject(Json(Json.Config()), good, items=({"a": Decimal("1.10")}, {"id": 2**60 + 1}))


class TestJsonList(FormatContract):
    def subject(self) -> FormatSubject:
        reader = Json(Json.Config(records="data.orders"))
        return FormatSubject(reader, {b'{"data": {"orders": [{"id": 1}, {"id": 2}]}}': 2}, items=({"id": 1},))


class TestNdJson(FormatContract):
    def subject(self) -> FormatSubject:
        return FormatSubject(
            NdJson(NdJson.Config()),
            {b'{"a": 1.10}\n\n{"a": 2}\n': 2},
            spoiled=(b'{"a": 1}\n{"a": NaN}\n{"a": 3}\n', 2),
            items=({"a": Decimal("1.10")}, [1, "x"]),
        )


class TestXml(FormatContract):
    def subject(self) -> FormatSubject:
        reader = Xml(Xml.Config(record="Orders/Order", single=["Id"], text_only=["Id"]))
        good = b"<Orders><Order><Id>1</Id><Line/></Order><Order><Id>2</Id></Order></Orders>"
        bad = b"<Orders><Order><Id>1</Id></Order>\n<Order>\n<Id>2</Id><Id>3</Id></Order>\n<Order/></Orders>"
        return FormatSubject(reader, {good: 2}, spoiled=(bad, 2))


LOG = """<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/" MajorVersion="6" MinorVersion="0">
<Transaction><SequenceNumber>1</SequenceNumber><ControlTransaction/></Transaction>
<Transaction><SequenceNumber>2</SequenceNumber><RetailTransaction>
<LineItem><SequenceNumber>1</SequenceNumber><Sale><ItemID>A</ItemID><ExtendedAmount>{amount}</ExtendedAmount></Sale></LineItem>
<Total TotalType="TransactionGrandAmount">1.00</Total></RetailTransaction></Transaction>
<Transaction><SequenceNumber>3</SequenceNumber><ControlTransaction/></Transaction>
</POSLog>"""


class TestPosLog(FormatContract):
    def subject(self) -> FormatSubject:
        good = {LOG.format(amount="1.00").encode(): 3, LOG.format(amount="1.00").encode("utf-16"): 3}
        return FormatSubject(PosLog(PosLog.Config()), good, spoiled=(LOG.format(amount="one").encode(), 4))


TILL = b"""Filiale;Kasse;BonNr;Datum;Zeit;EAN;Artikel;Menge;EPreis;Rabatt;MwSt;Summe;Zahlart
0012;03;1;14.03.2026;09:15;84;A;1;1,00;0;21;1,00;BAR
0012;03;2;14.03.2026;09:15;84;A;1;1,00;0;21;1,00;BAR
0012;03;3;14.03.2026;09:15;84;A;1;1,00;0;21;1,00;BAR
"""


class TestTillCsv(FormatContract):
    def subject(self) -> FormatSubject:
        spoiled = TILL.replace(b"0012;03;2;14.03.2026", b"0012;03;2;31.02.2026")
        return FormatSubject(TillCsv(TillCsv.Config()), {TILL: 3}, spoiled=(spoiled, 3))


@pytest.mark.parametrize("folder, format", [("pos-poslog", PosLog), ("pos-csv", TillCsv)])
def test_every_shared_sample_is_read_without_a_bad_record(shared: Path, folder: str, format: type) -> None:
    files = [path for path in (shared / "samples" / folder).iterdir() if path.suffix in (".xml", ".csv")]
    assert len(files) >= 2
    for path in files:
        records = list(format(format.Config()).decode(path.read_bytes(), path.name))
        assert records
        assert not [record for record in records if not hasattr(record, "data")]

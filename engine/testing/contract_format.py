"""The contract of a Format: exact, lazy, bounded; bad records stand alone; nothing but a Failure ever comes out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import pytest

from engine.core.errors import Failure
from engine.core.jsonx import decode, encode
from engine.plugins.contracts import BadRecord, Format, Record
from engine.testing.contract_tools import no_floats

HOSTILE: tuple[bytes, ...] = (
    b"", b"\0", b"\xff\xfe\x00", b"\xef\xbb\xbf", b"PK\x03\x04junk", b"\x1f\x8b\x08junk", b"[" * 100_000,
    b'{"a":' * 100_000, b"1" * 5_000, b"NaN", b'{"a":1,"a":2}', b'"\\ud800"', '{"a": 1}'.encode("utf-16"), b'"' * 1001,
    b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    b'<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><a/>',
    b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1/p"> %p;]><a/>',
    b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><l>&b;</l>',
    b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd" parse="text"/></a>',
    b"<a>" * 5_000, b"<a", b"<?xml version='1.0' encoding='no-such'?><a/>", b";" * 70_000, b"\n" * 1000 + b"x",
)  # fmt: skip
"""Documents no format may choke on: cut off, binary, deep, wide, wrongly encoded, reaching for files and networks."""


@dataclass
class FormatSubject:
    """A format with documents of it.

    good     document -> number of its records
    spoiled  a document with one bad record among good ones, and the line the bad one is on; None: it has no parts
    items    values that `encode` writes and `decode` gives back; empty: it only reads
    """

    format: Format
    good: dict[bytes, int]
    spoiled: tuple[bytes, int] | None = None
    items: tuple[Any, ...] = ()


class FormatContract(ABC):
    """Subclass it as `Test..` and say what is under test."""

    @abstractmethod
    def subject(self) -> FormatSubject:
        """The format and its documents."""

    def test_documents_give_their_records(self) -> None:
        """Every good document gives as many Records as it says, numbered from 0, no BadRecord."""
        subject = self.subject()
        for document, count in subject.good.items():
            records = list(subject.format.decode(document, "good"))
            assert len(records) == count
            assert all(isinstance(record, Record) for record in records), records
            assert [record.number for record in records] == list(range(count))

    def test_records_are_exact_and_follow_the_schema(self) -> None:
        """Records are JSON values without floats, and fields the schema names have its types."""
        subject = self.subject()
        schema = subject.format.schema()
        validator = jsonschema_rs.validator_for(_possible(schema)) if schema else None
        for record in _records(subject):
            no_floats(record.data)
            assert decode(encode(record.data)) == record.data, "a record is a JSON value"
            if validator is not None:
                errors = [str(error) for error in validator.iter_errors(_plain(record.data))]
                assert not errors, errors[:3]

    def test_the_same_document_gives_the_same_records(self) -> None:
        """Decoding twice, under two names, gives the same: ids of records are made of their content."""
        subject = self.subject()
        for document in subject.good:
            first = [encode(getattr(record, "data", None)) for record in subject.format.decode(document, "one")]
            again = [encode(getattr(record, "data", None)) for record in subject.format.decode(document, "two")]
            assert first == again

    def test_a_bad_record_stands_alone_and_can_be_mended(self) -> None:
        """A bad record is a BadRecord with line and `raw`; `raw` by itself decodes to that record again."""
        subject = self.subject()
        if subject.spoiled is None:
            pytest.skip("a document of this format has no parts")
        document, line = subject.spoiled
        records = list(subject.format.decode(document, "spoiled.dat"))
        bad = [record for record in records if isinstance(record, BadRecord)]
        assert [record.line for record in bad] == [line]
        assert len(records) > len(bad), "its neighbours proceed"
        assert bad[0].raw, "a person has to see what it was"
        again = list(subject.format.decode(bad[0].raw, "mended.dat"))
        assert any(isinstance(record, BadRecord) for record in again), "unmended it is bad again"

    def test_what_is_written_is_read_back(self) -> None:
        """`decode(encode(items))` gives the items; skipped for a format that only reads."""
        subject = self.subject()
        if not subject.items:
            pytest.skip("this format only reads")
        written = subject.format.encode(subject.items)
        read = [record.data for record in subject.format.decode(written, "written") if isinstance(record, Record)]
        assert read == list(subject.items)

    @pytest.mark.parametrize("document", HOSTILE, ids=range(len(HOSTILE)))
    def test_nothing_but_a_failure_comes_out(self, document: bytes) -> None:
        """Hostile bytes give records or a Failure with reason and detail: no other exception, no file read, no hang."""
        subject = self.subject()
        try:
            for record in subject.format.decode(document, "hostile"):
                if isinstance(record, Record):
                    assert b"root:" not in encode(record.data)
        except Failure as failure:
            assert failure.reason
            assert failure.detail


def _records(subject: FormatSubject) -> Iterator[Record]:
    for document in subject.good:
        for record in subject.format.decode(document, "good"):
            if isinstance(record, Record):
                yield record


def _possible(schema: Any) -> Any:
    """The schema without `required`: that says what a mapping may count on, not what every record has."""
    if isinstance(schema, dict):
        return {key: _possible(item) for key, item in schema.items() if key != "required"}
    return [_possible(item) for item in schema] if isinstance(schema, list) else schema


def _plain(value: Any) -> Any:
    """The value as a validator takes it that knows no Decimal; only its shape matters here."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    return int(value) if value == int(value) else 0.5

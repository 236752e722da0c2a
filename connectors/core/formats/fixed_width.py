"""The format `fixed_width`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from connectors.core.formats.caps import MAX_SIZE, guard, in_file
from connectors.core.formats.fields import Encoding
from connectors.core.formats.lines import physical_lines
from connectors.core.formats.numbers import number
from engine import sdk
from engine.sdk import BadRecord, Format, Options, Permanent, Record, Size, plain, problem

Kind = Literal["text", "integer", "decimal"]


class Column(Options):
    """Where a field stands in the line and what it holds."""

    model_config = ConfigDict(populate_by_name=True)

    name: str = Field(min_length=1, description="Name of the field in the record.")
    start: int = Field(alias="from", ge=1, description="First character, counted from 1.")
    length: int = Field(ge=1, description="Number of characters.")
    type: Kind = Field("text", description="`text` (spaces around it go), `integer` or `decimal`.")
    scale: int | None = Field(
        None, ge=0, le=12, description="Decimals of a number written without a point: 2 reads 001250 as 12.50."
    )

    @property
    def end(self) -> int:
        return self.start - 1 + self.length


class LineType(Options):
    """One kind of line."""

    type: str = Field(min_length=1, description="Name of the kind; the record carries it as `type`.")
    prefix: str = Field("", description="Text the line begins with. Empty: every line that no other kind claims.")
    fields: list[Column] = Field(min_length=1, description="The fields, in any order; they do not overlap.")

    @model_validator(mode="after")
    def _sound(self) -> LineType:
        names = [column.name for column in self.fields]
        if len(set(names)) != len(names) or "type" in names:
            raise problem(
                "TF5002", f"a field name of `{self.type}` occurs twice or is `type`", "give each field its own name"
            )
        ordered = sorted(self.fields, key=lambda column: column.start)
        for left, right in pairwise(ordered):
            if left.end >= right.start:
                raise problem(
                    "TF5004",
                    f"the fields `{left.name}` and `{right.name}` overlap",
                    f"`{left.name}` ends at {left.end}",
                )
        return self


@sdk.format("fixed_width")
class FixedWidth(Format):
    """Lines whose fields stand at fixed positions, of one or several kinds told apart by their first characters.

    A line that ends inside a number or before a field, of no known kind or with a field that is not a number becomes a work item with its line
    while its neighbours proceed.
    """

    class Config(Options):
        lines: list[LineType] = Field(min_length=1, description="The kinds of lines.")
        encoding: Encoding = Field(
            "utf-8", description="Encoding of the file.", examples=["utf-8", "cp1252", "iso-8859-1"]
        )
        max_size: Size = Field(MAX_SIZE, description="Largest file that is read.", examples=["64MiB"])

        @model_validator(mode="after")
        def _sound(self) -> FixedWidth.Config:
            prefixes = [kind.prefix for kind in self.lines]
            if len(set(prefixes)) != len(prefixes):
                raise problem("TF5005", "two kinds of lines have the same prefix", "give each a prefix of its own")
            return self

    def __init__(self, config: Config) -> None:
        self._config = config
        self._kinds = sorted(config.lines, key=lambda kind: -len(kind.prefix))  # the longest prefix decides
        self._by_type = {kind.type: kind for kind in config.lines}

    def decode(self, content: bytes, name: str) -> Iterator[Record | BadRecord]:
        """One record per line that is not empty: `{type: .., <fields>}`."""
        guard(content, name, self._config.max_size)
        position = 0
        for line in physical_lines(content, self._config.encoding):
            text = line.text.rstrip("\r\n")
            if not line.problem and not text.strip():
                continue
            try:
                if line.problem:
                    raise ValueError(line.problem)
                yield Record(self._read(text), position, line.number)
            except ValueError as error:
                failure = Permanent("bad-line", f"line {line.number}: {error}", data={"line": line.number})
                known = {} if line.problem else self._told(text)
                yield BadRecord(in_file(failure, name), position, line.number, line.raw, known)
            position += 1

    def _kind(self, text: str) -> LineType | None:
        return next((kind for kind in self._kinds if text.startswith(kind.prefix)), None)

    def _told(self, text: str) -> dict[str, Any]:
        """The fields of a bad line that can be read."""
        kind = self._kind(text)
        if kind is None:
            return {}
        record: dict[str, Any] = {"type": kind.type}
        for column in kind.fields:
            with suppress(ValueError):
                record[column.name] = _field(text, column)
        return record

    def _read(self, text: str) -> dict[str, Any]:
        kind = self._kind(text)
        if kind is None:
            known = ", ".join(repr(kind.prefix) for kind in self._kinds)
            raise ValueError(f"begins with {text[:10]!r}, which is no known kind of line; known: {known}")
        width = max(column.end for column in kind.fields)
        if text[width:].strip():
            raise ValueError(f"text after column {width}, where the last field of `{kind.type}` ends")
        record: dict[str, Any] = {"type": kind.type}
        for column in kind.fields:
            value = _field(text, column)
            if value is not None:
                record[column.name] = value
        return record

    def encode(self, items: Sequence[Any]) -> bytes:
        """One line per item; the item's `type` names the kind (not needed when there is one)."""
        return "".join(self._line(item) + "\r\n" for item in items).encode(self._config.encoding)

    def _line(self, item: Any) -> str:
        only = self._config.lines[0].type if len(self._config.lines) == 1 else ""
        kind = self._by_type.get(item.get("type", only))
        if kind is None:
            raise Permanent("bad-item", f"`type` is {item.get('type')!r}; known: {', '.join(self._by_type)}")
        width = max(column.end for column in kind.fields)
        cells = [*kind.prefix.ljust(width)]
        for column in kind.fields:
            cells[column.start - 1 : column.end] = _written(item.get(column.name), column)
        return "".join(cells)

    def schema(self) -> dict[str, Any] | None:
        """The fields of every kind of line."""
        types = {"text": "string", "integer": "integer", "decimal": "number"}
        properties: dict[str, Any] = {"type": {"type": "string", "enum": list(self._by_type)}}
        for kind in self._config.lines:
            for column in kind.fields:
                properties[column.name] = {"type": types[column.type]}
        return {"type": "object", "properties": properties, "required": ["type"], "additionalProperties": False}


def _field(text: str, column: Column) -> Any:
    """The value of a field; None when it is blank. Raises ValueError."""
    if len(text) < column.start:
        raise ValueError(f"the line has {len(text)} characters; `{column.name}` begins at {column.start}")
    raw = text[column.start - 1 : column.end].strip()
    if column.type == "text":
        return raw or None
    if len(text) < column.end:  # what is left of a torn number is a smaller number
        place = f"columns {column.start} to {column.end}, the line has {len(text)}"
        raise ValueError(f"the line ends inside field `{column.name}`: {place}")
    if not raw:
        return None
    try:
        value = number(raw)
    except ValueError as error:
        raise ValueError(f"`{column.name}`: {error}") from None
    if column.type == "integer":
        if value != value.to_integral_value():
            raise ValueError(f"`{column.name}`: {raw!r} is not a whole number")
        return int(value)
    return value if column.scale is None or "." in raw else value.scaleb(-column.scale)


def _written(value: Any, column: Column) -> list[str]:
    """The characters of a field; numbers right-aligned with zeros when their decimals are implied."""
    text = _as_text(value, column)
    if len(text) > column.length:
        raise Permanent("bad-item", f"`{column.name}` is {text!r}, longer than its {column.length} characters")
    if isinstance(value, str) or value is None:
        return [*text.ljust(column.length)]
    return [*(text.zfill(column.length) if column.scale is not None else text.rjust(column.length))]


def _as_text(value: Any, column: Column) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\r", " ").replace("\n", " ")
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Permanent("bad-item", f"`{column.name}` holds {type(value).__name__}; a field is text or a number")
    if column.scale is None:
        return plain(value)
    scaled = Decimal(value).scaleb(column.scale)
    if scaled != scaled.quantize(Decimal(1), ROUND_HALF_UP):
        raise Permanent("bad-item", f"`{column.name}` is {value}, which has more than {column.scale} decimals")
    return str(int(scaled))

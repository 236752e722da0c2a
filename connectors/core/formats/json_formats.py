"""The formats `json` and `ndjson`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import Field

from connectors.core.formats.caps import MAX_SIZE, corrupt, guard
from connectors.core.formats.lines import physical_lines
from engine import sdk
from engine.sdk import BadRecord, Failure, Format, Options, Path, Permanent, Record, Size, encode, parse


@sdk.format("json")
class Json(Format):
    """A JSON document: one record, or the items of a list in it.

    UTF-8 only. Numbers stay exact. Duplicate keys, NaN, deep nesting and overlong numbers are refused.
    """

    class Config(Options):
        records: Path | None = Field(
            None, description="Path to the list whose items are the records.", examples=["data.orders"]
        )
        whole: bool = Field(False, description="A list at the top is one record; otherwise each of its items is one.")
        max_size: Size = Field(MAX_SIZE, description="Largest document that is read.", examples=["1MiB"])

    def __init__(self, config: Config) -> None:
        self._config = config

    def decode(self, content: bytes, name: str) -> Iterator[Record | BadRecord]:
        """The document, or the items of its list."""
        guard(content, name, self._config.max_size)
        value = parsed(content, name)
        for number, item in enumerate(self._items(value, name)):
            yield Record(item, number)

    def _items(self, value: Any, name: str) -> list[Any]:
        path = self._config.records
        if path is None:
            return value if isinstance(value, list) and not self._config.whole else [value]
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        if not isinstance(value, list):
            raise corrupt(name, f"there is no list at `{'.'.join(path)}`")
        return value

    def encode(self, items: Sequence[Any]) -> bytes:
        """One item as itself, several as a list; with `records` always as a list at that path."""
        path = self._config.records
        value: Any = list(items) if path is not None or len(items) != 1 else items[0]
        for part in reversed(path or ()):
            value = {part: value}
        return encode(value)


@sdk.format("ndjson")
class NdJson(Format):
    """One JSON value per line. A bad line becomes a work item with its number while its neighbours proceed."""

    class Config(Options):
        max_size: Size = Field(MAX_SIZE, description="Largest file that is read.", examples=["64MiB"])

    def __init__(self, config: Config) -> None:
        self._config = config

    def decode(self, content: bytes, name: str) -> Iterator[Record | BadRecord]:
        """One record per line that is not empty."""
        guard(content, name, self._config.max_size)
        number = 0
        for line in physical_lines(content, "utf-8", always=True):
            if not line.problem and not line.text.strip():
                continue
            try:
                if line.problem:
                    raise Permanent("bad-line", line.problem)
                yield Record(parse(line.text.rstrip("\r\n")), number, line.number)
            except Failure as failure:
                yield BadRecord(at_line(failure, line.number, name), number, line.number, line.raw)
            number += 1

    def encode(self, items: Sequence[Any]) -> bytes:
        """One line per item."""
        return b"".join(encode(item) + b"\n" for item in items)


def parsed(content: bytes, name: str) -> Any:
    """The value of a JSON document. Raises Permanent `corrupt-document`."""
    try:
        return parse(content)
    except Failure as failure:
        raise corrupt(name, failure.detail) from None


def at_line(failure: Failure, line: int, name: str) -> Permanent:
    """The same failure, told with the one place in the file it is at: it was parsed as a document of one line."""
    inside = failure.detail.removeprefix("line 1, ")
    separator = ", " if inside != failure.detail else ": "
    place = f"{name}, line {line}" if name else f"line {line}"
    return Permanent("bad-line", f"{place}{separator}{inside}", data={"line": line})

"""Reading single facts out of POSLog elements."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from connectors.core.formats.numbers import number
from connectors.core.formats.xml_format import Names
from connectors.core.formats.xml_tree import Node

ARTS = "http://www.nrf-arts.org/IXRetail/namespace/"
NAMES = Names(
    {
        "": ARTS,
        "acs": "http://www.ncr.com/rsd/acs/tlog/markup/poslog/2.1",
        "raw": "http://www.ncr.com/rsd/acs/tlog/markup/raw/base/6.1",
        "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    }
)


class Malformed(ValueError):
    """A transaction that cannot be read; `line` is where."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line


def children(node: Node, *names: str) -> Iterator[Node]:
    """Children with one of these local names, of whatever namespace."""
    return (child for child in node.children if child.local in names)


def find(node: Node, path: str) -> Node | None:
    """The first element at a path of local names."""
    found: Node | None = node
    for name in path.split("/"):
        if found is None:
            return None
        found = next(children(found, name), None)
    return found


def text(node: Node, *paths: str) -> str | None:
    """The text at the first of these paths that has any."""
    for path in paths:
        found = find(node, path)
        if found is not None and found.text.strip():
            return found.text.strip()
    return None


def moment_text(node: Node, *paths: str) -> str | None:
    """As `text`, for a date or moment, whose digits are 0 to 9 and no others. Raises Malformed."""
    for path in paths:
        found = find(node, path)
        if found is not None and (value := found.text.strip()):
            if not value.isascii():
                raise Malformed(found.line, f"{found.local} is {value!r}; write it with the digits 0 to 9")
            return value
    return None


def attribute(node: Node, name: str) -> str | None:
    """An attribute by local name, of whatever namespace."""
    for key, value in node.attributes.items():
        if key.rpartition("}")[2] == name:
            return value
    return None


def flag(node: Node, name: str) -> bool:
    """A yes/no attribute; absent is no. Raises Malformed."""
    value = (attribute(node, name) or "false").strip().lower()
    if value not in {"true", "false", "1", "0"}:
        raise Malformed(node.line, f"{name} is {value!r}; it is true or false")
    return value in {"true", "1"}


def decimal(node: Node, *paths: str) -> Decimal | None:
    """The number at the first of these paths that has one. Raises Malformed."""
    for path in paths:
        found = find(node, path)
        if found is not None and found.text.strip():
            return decimal_of(found)
    return None


def decimal_of(node: Node) -> Decimal:
    """The number an element holds. Raises Malformed."""
    try:
        return number(node.text)
    except ValueError as error:
        raise Malformed(node.line, f"{node.local}: {error}") from None


def whole(node: Node, path: str) -> int | None:
    """The whole number at a path. Raises Malformed."""
    value = decimal(node, path)
    if value is None:
        return None
    if value != value.to_integral_value():
        raise Malformed(node.line, f"{path} is {value}, not a whole number")
    return int(value)


def present(**facts: object) -> dict[str, object]:
    """A record without the facts that are not there."""
    return {name: fact for name, fact in facts.items() if fact is not None}

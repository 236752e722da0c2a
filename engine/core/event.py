"""The Event: an immutable envelope with CloudEvents attribute names around `data`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One business event.

    id       identity, 32 hex digits: H(type without version, natural key), the same however it came
    type     `sale.completed@2` for a canonical event; `native/<format>` before it is mapped
    source   where it entered: `<route>/<connection>` or the id of the event it was made from
    data     JSON value; numbers are int or Decimal, never float. Never changed in place
    time     UTC microseconds at ingress
    day      business date `YYYY-MM-DD` where the type has one, else the day of `time`; part of stored keys
    subject  natural key as text, parts joined by `|`; empty for a native document
    region   ISO country once a scope is known
    origin   digest over the one normalised native record this event came from
    guard    digest over the type's guard fields; empty where the type has none
    order_key, order_no   key and dense number of an ordered type; empty and 0 otherwise
    amount, currency      exact decimal text and ISO code where the type declares an amount
    trace    32 hex digits shared by everything that came from one native record
    headers  text facts of the carrier (file, line, request id); never used for routing out
    """

    id: str
    type: str
    source: str
    data: Any
    time: int
    day: str
    subject: str = ""
    region: str = ""
    origin: str = ""
    guard: str = ""
    order_key: str = ""
    order_no: int = 0
    amount: str = ""
    currency: str = ""
    trace: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_data(self, data: Any) -> Event:
        """The same event around other data."""
        return replace(self, data=data)


def split_type(type_: str) -> tuple[str, int]:
    """`sale.completed@2` -> (`sale.completed`, 2); no version -> 0."""
    name, _, version = type_.partition("@")
    return name, int(version) if version.isdigit() else 0

"""Bytes and headers: a Format turns documents into records and back, an AuthScheme proves who sends a request."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel

from engine.core.errors import Failure


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a document. `line` counts from 1; `number` is its position among the records, from 0."""

    data: Any
    number: int
    line: int = 0


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that could not be decoded: its neighbours proceed, it becomes a work item with file and line.

    known   the record as far as it could be read: people find it by the keys in there
    """

    failure: Failure
    number: int
    line: int = 0
    raw: bytes = b""
    known: Any = None


class Format(ABC):
    """Bytes to records and back. No I/O. A document that cannot be decoded at all raises Failure `corrupt-document`."""

    Config: ClassVar[type[BaseModel]]

    @abstractmethod
    def __init__(self, config: Any) -> None:
        """`config` is its own Config, validated. Once per route, not per document."""

    @abstractmethod
    def decode(self, content: bytes, name: str) -> Iterator[Record | BadRecord]:
        """Records in order, lazily."""

    def encode(self, items: Sequence[Any]) -> bytes:
        """A document that holds these records."""
        raise NotImplementedError(f"{type(self).__name__} only reads")

    def schema(self) -> dict[str, Any] | None:
        """JSON Schema of one record, against which paths are checked; None when nothing is known."""
        return None


class AuthScheme(ABC):
    """How requests prove who sends them, outgoing and incoming. `now` is UTC microseconds."""

    Config: ClassVar[type[BaseModel]]

    @abstractmethod
    def __init__(self, config: Any) -> None:
        """`config` is its own Config, validated; secrets in it are Secret and revealed where they leave."""

    async def sign(self, method: str, url: str, headers: dict[str, str], body: bytes, now: int) -> None:
        """Add what the other side needs to `headers`."""
        raise NotImplementedError(f"{type(self).__name__} does not sign outgoing requests")

    def verify(self, url: str, headers: Mapping[str, str], body: bytes, now: int) -> str:
        """Check an incoming request over its raw bytes; answers the sender's own id of it, or empty.

        Raises Permanent `unauthorized` with a text that tells nothing about the secret. Compares in constant time.
        """
        raise NotImplementedError(f"{type(self).__name__} does not check incoming requests")

"""What the two databases have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.core.sql.statements import Work
from engine.sdk import Failure

MAX_FOUND = 1000  # rows of one lookup


class Database(ABC):
    """One database. Raises Transient when it cannot be reached."""

    @abstractmethod
    async def open(self) -> None: ...

    @abstractmethod
    async def close(self) -> None: ...

    @abstractmethod
    async def version(self) -> str:
        """What answers, for people. By a connection of its own, which makes nothing. Raises Failure."""

    @abstractmethod
    async def lacks(self, tables: Sequence[str]) -> list[str]:
        """A sentence for each of these tables that is not there. As `version`, it makes nothing. Raises Failure."""

    @abstractmethod
    async def apply(self, batch: Sequence[Work]) -> list[Failure | bool]:
        """All of it in one transaction; a bad one is left out and the others are kept.

        True: done now. False: it was done before. Raises UnknownOutcome when the commit was not answered.
        """

    @abstractmethod
    async def forget(self, seconds: float, most: int) -> int:
        """Forget deliveries that were applied so long ago, at most so many. Answers how many. Raises Failure."""

    @abstractmethod
    async def find(self, query: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Rows of a query, at most MAX_FOUND. Raises Failure."""


def no_table(name: str) -> str:
    """What is said of a table that a sink writes to and that is not there."""
    return f"there is no table {name}: make it, or put `table` of the sink right; the engine makes only `applied_table`"

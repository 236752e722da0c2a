"""A Finding: one problem in a file, told in five parts (where, what, why, the nearest valid thing, an example).

Where and what stand in the Finding; why and the example come from the code's page in `engine.core.codes`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file; lines and columns count from 1, `end_column` is exclusive on the same line."""

    file: str
    line: int = 1
    column: int = 1
    end_column: int = 0

    def shifted(self, offset: int, length: int = 1) -> Mark:
        """The same line, `offset` characters further: for a place inside an expression."""
        column = self.column + offset
        return replace(self, column=column, end_column=column + max(1, length))


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem. `message` holds no location; `help` is what to do; `suggestion` is the bare nearest valid text."""

    code: str
    message: str
    mark: Mark
    help: str = ""
    suggestion: str = ""
    severity: Severity = "error"
    also: tuple[Mark, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The shape `--format json` prints."""
        return {
            "code": self.code,
            "severity": self.severity,
            "file": self.mark.file,
            "line": self.mark.line,
            "column": self.mark.column,
            "message": self.message,
            "help": self.help,
            "suggestion": self.suggestion,
        }


@dataclass(frozen=True, slots=True)
class Code:
    """The page of one finding code: why it is a problem, a wrong and a right example. Codes never change meaning."""

    code: str
    title: str
    why: str
    wrong: str
    right: str


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Sorted by place and code, each once."""
    unique = dict.fromkeys(findings)
    return sorted(unique, key=lambda f: (f.mark.file, f.mark.line, f.mark.column, f.code, f.message))


def has_errors(findings: Iterable[Finding]) -> bool:
    """True when at least one finding is an error."""
    return any(f.severity == "error" for f in findings)

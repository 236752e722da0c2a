"""A Finding: one problem in a file, told in five parts (where, what, why, the nearest valid thing, an example).

Where and what stand in the Finding; why and the example come from the code's page in `engine.core.codes`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from engine.core.masking import mask_url_password

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file; lines and columns count from 1, `end_column` is exclusive on the same line."""

    file: str
    line: int = 1
    column: int = 1
    end_column: int = 0


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

    def __post_init__(self) -> None:
        for name in ("message", "help", "suggestion"):  # they quote what stands in the file
            object.__setattr__(self, name, mask_url_password(getattr(self, name)))

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


# What follows from a mistake at the very same place and says nothing new: effect -> cause.
_ECHOES = {
    "TF1101": "TF1011",  # a merge key is no key of the block either
    "TF1103": "TF1054",  # a parameter that cannot be there has no type
    "TF1051": "TF1129",  # a value that must be a secret is not asked of the environment
    "TF3012": "TF1050",  # a name that takes something from the environment is none
}


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Sorted by place and code, each mistake once."""
    unique = dict.fromkeys(findings)
    causes = [f for f in unique if f.code in _ECHOES.values()]
    told = [f for f in unique if not any(_is_echo(f, cause) for cause in causes)] if causes else unique
    return sorted(told, key=lambda f: (f.mark.file, f.mark.line, f.mark.column, f.code, f.message))


def _is_echo(finding: Finding, cause: Finding) -> bool:
    mark, place = finding.mark, cause.mark
    same = (mark.file, mark.line) == (place.file, place.line)
    return same and _ECHOES.get(finding.code) == cause.code and place.column <= mark.column < place.end_column


def has_errors(findings: Iterable[Finding]) -> bool:
    """True when at least one finding is an error."""
    return any(f.severity == "error" for f in findings)

"""Where the compiler writes what it finds, and how it points at a place in a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.config.document import Document
from engine.config.nearest import did_you_mean, nearest
from engine.config.substitution import with_params
from engine.core.findings import Finding, Mark, Severity, in_order

Path = tuple[str | int, ...]
MOST_USERS = 3  # routes that are named of those that bring one finding


class Report:
    """All findings of one compilation. `errors` counts the errors so far."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Another compilation begins. What is used again of the one before has places that write here."""
        self._findings: list[Finding] = []
        self._users: dict[Finding, dict[str, Mark]] = {}
        self.errors = 0

    @property
    def count(self) -> int:
        """How many so far."""
        return len(self._findings)

    def add(self, *findings: Finding) -> None:
        self._findings.extend(findings)
        self.errors += sum(finding.severity == "error" for finding in findings)

    def used_by(self, route: str, mark: Mark, since: int) -> None:
        """Findings after the first `since` are so because this route uses, here, what they stand in.

        One that was told before for another reason stays as it was; one that several routes bring is told once.
        """
        known = set(self._findings[:since]) if self.count > since else set()
        for finding in self._findings[since:]:
            if finding in self._users or finding not in known:
                self._users.setdefault(finding, {}).setdefault(route, mark)

    def all(self) -> list[Finding]:
        return in_order(_with_users(finding, self._users.get(finding, {})) for finding in self._findings)


def _with_users(finding: Finding, users: Mapping[str, Mark]) -> Finding:
    if not users:
        return finding
    names = [f"`{name}`" for name in sorted(users)]
    more = len(names) - MOST_USERS
    told = ", ".join(names[:MOST_USERS]) + (f" and {more} more" if more > 0 else "")
    marks = tuple(users[name] for name in sorted(users))[:MOST_USERS]
    who = f"used by the route{'s' if len(names) > 1 else ''} {told}"
    return replace(finding, message=f"{finding.message} ({who})", also=(*finding.also, *marks))


@dataclass(frozen=True, slots=True)
class Place:
    """A node of a document. Findings made through it carry its position."""

    report: Report
    document: Document
    path: Path = ()

    def at(self, *path: str | int) -> Place:
        """A node further inside."""
        return Place(self.report, self.document, (*self.path, *path)) if path else self

    def filled(self, raw: Any, params: Mapping[str, Any]) -> Any:
        """What is written here with parameters put in; unknown ones were reported when the file was read."""
        if "${" not in self.document.text:
            return raw
        return with_params(raw, params, self.document, self.path)[0]

    @property
    def mark(self) -> Mark:
        """Of the value."""
        return self.document.marks.value(self.path)

    @property
    def key_mark(self) -> Mark:
        """Of the key the value stands under."""
        return self.document.marks.key(self.path)

    def finding(
        self,
        code: str,
        message: str,
        *,
        key: bool = False,
        help: str = "",
        suggestion: str = "",
        severity: Severity = "error",
        offset: int | None = None,
        length: int = 1,
        also: tuple[Mark, ...] = (),
    ) -> None:
        """Report a problem here: at the key, or at the value, or `offset` characters into the value's text."""
        mark = self.key_mark if key else self.mark
        if offset is not None:
            mark = self.document.marks.inside(self.path, offset, length)
        self.report.add(Finding(code, message, mark, help, suggestion, severity, also))

    def unknown(
        self,
        code: str,
        what: str,
        name: str,
        known: Iterable[str],
        *,
        key: bool = False,
        why: str = "",
        severity: Severity = "error",
        offset: int | None = None,
        more: str = "",
    ) -> None:
        """`name` is not one of `known`: says so with the nearest one, or else with `more` to think of."""
        names = sorted(set(known))
        near = nearest(name, names)
        if near:
            advice = did_you_mean(near)
        elif names:
            advice = f"known: {', '.join(names[:12])}" + (" ..." if len(names) > 12 else "")
        else:
            advice = f"the project has no {what} at all"
        if more and not near:
            advice += f"; {more}"
        self.finding(
            code,
            f"there is no {what} `{name}`" + (f": {why}" if why else ""),
            key=key,
            help=advice,
            suggestion=near[0] if near else "",
            severity=severity,
            offset=offset,
            length=len(name),
        )

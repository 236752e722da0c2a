"""What calls are answered: the first `returns` that a test of the route has for the step, or for its connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.cli.dev.standins import unanswered
from engine.compile.plan import RouteSet
from engine.config.project import read_project_from
from engine.plugins.contracts import SinkItem
from engine.testing.runner.chosen import all_cases
from engine.testing.runner.standins import ASKING


class Answers:
    """Of the RouteSet that runs; read again when it is another one."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._of: RouteSet | None = None
        self._known: dict[tuple[str, str], Any] = {}
        self.routeset: RouteSet | None = None

    def __call__(self, use: str, item: SinkItem) -> Any:
        """The reply. Raises Permanent where no test has one."""
        if self.routeset is not None and self.routeset is not self._of:
            self._of, self._known = self.routeset, self._read(self.routeset)
        asking = ASKING.get()
        for name in (f"{asking.route}/{asking.step}", asking.step, asking.connection):
            if (asking.route, name) in self._known:
                return self._known[asking.route, name]
        raise unanswered(asking.route, asking.step, use)

    def _read(self, routeset: RouteSet) -> dict[tuple[str, str], Any]:
        project, _ = read_project_from(routeset.files, self._environ)
        found: dict[tuple[str, str], Any] = {}
        for case in all_cases(project):
            for name, stub in case.doc.stub.items():
                if stub.returns is not None and stub.fail is None:
                    for route in case.subject.running:
                        found.setdefault((route, name), stub.returns)
        return found

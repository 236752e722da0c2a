"""The project under test, compiled once for all cases; again only for other values of parameters."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from msgspec import structs

from engine.backends.secrets import DictSecrets
from engine.compile.compiler import compile_project
from engine.compile.plan import RouteSet
from engine.config.models.route import RouteDoc
from engine.config.project import Loaded, Project, read_project
from engine.config.subject import Subject
from engine.core.errors import ConfigError
from engine.core.findings import Finding, has_errors, in_order
from engine.core.jsonx import encode
from engine.plugins.registry import Registry
from engine.ports.secrets import Secret
from engine.settings import Settings
from engine.testing.runner.watching import Watch, watching


class TestSecrets(DictSecrets):
    """A value for every secret: nothing in a test leaves the process, so none is needed."""

    __test__ = False

    def __init__(self) -> None:
        super().__init__({})

    def get(self, name: str) -> Secret:
        return Secret(name, base64.b64encode(f"stand-in of the secret {name}".encode()).decode(), "test")


class TestProject:
    """A project with Plans that are watched. `findings` are those of an ordinary compilation.

    Raises ConfigError when there are errors among them.
    """

    __test__ = False

    def __init__(self, project: Project, registry: Registry, findings: list[Finding] | None = None) -> None:
        self.project = project
        self.registry = registry
        self.watch = Watch()
        self.secrets = TestSecrets()
        self._watching = watching(registry, self.watch)
        self._compiled: dict[bytes, RouteSet] = {}
        self.routeset, found = self._compile(project)
        self.findings = in_order([*(findings or []), *found])
        if has_errors(self.findings):
            raise ConfigError(self.findings, project.files)

    def for_case(self, subject: Subject, params: Mapping[str, Any]) -> RouteSet:
        """The RouteSet for a case: its route's parameters have these values, and no step remembers another case."""
        if self._keeps_answers(subject):
            return self._compile(_with_params(self.project, subject.route, params))[0]
        if not params:
            return self.routeset
        key = encode([subject.route, dict(params)])
        if key not in self._compiled:
            self._compiled[key] = self._compile(_with_params(self.project, subject.route, params))[0]
        return self._compiled[key]

    def _keeps_answers(self, subject: Subject) -> bool:
        """Some step may use answers again (`cache`): what one case asked must not answer another."""
        documents = [loaded.document for loaded in self.project.subflows.values()]
        documents += [loaded.document for name, loaded in self.project.routes.items() if name in subject.running]
        return any("cache:" in document.text for document in documents)

    def _compile(self, project: Project) -> tuple[RouteSet, list[Finding]]:
        routeset, findings = compile_project(project, self._watching, self.secrets)
        watched = {plan.digest: self.watch.plan(plan) for plan in routeset.every_plan}
        plans = {name: watched[plan.digest] for name, plan in routeset.plans.items()}
        regional = {name: one.with_plans(lambda plan: watched[plan.digest]) for name, one in routeset.regional.items()}
        return structs.replace(routeset, plans=plans, regional=regional), findings


def load_for_tests(settings: Settings, environ: Mapping[str, str], registry: Registry) -> TestProject:
    """Read and compile the project of these settings. Raises ConfigError."""
    project, findings = read_project(settings.project, environ)
    return TestProject(project, registry, findings)


def _with_params(project: Project, route: str, params: Mapping[str, Any]) -> Project:
    loaded = project.routes.get(route)
    if loaded is None or not params:
        return project
    declared = dict(loaded.model.params)
    for name, value in params.items():
        declared[name] = declared[name].model_copy(update={"default": value})
    model = loaded.model.model_copy(update={"params": declared})
    changed: Loaded[RouteDoc] = replace(loaded, model=model)
    return replace(project, routes={**project.routes, route: changed})

"""What the tests of the compiler share: a project in memory, the installed plugins with stand-ins, and secrets."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from engine.compile.compiler import compile_project
from engine.compile.pieces import Pieces
from engine.compile.plan import RouteSet
from engine.compile.reuse import Memory
from engine.config.project import read_project_from
from engine.core.errors import Permanent
from engine.core.findings import Finding, in_order
from engine.discover import discover
from engine.plugins.registry import Registry
from engine.ports.secrets import Secret
from engine.steps import BUILTIN
from tests.fixtures.standins import STANDINS

FIXTURE = Path(__file__).parents[1] / "fixtures" / "project"
ENVIRONMENT = {"ERP_URL": "https://erp.example", "ERP_ES_URL": "https://erp-es.example"}


class Secrets:
    """Knows the secrets of the examples; `versions` says which value each has."""

    def __init__(self, versions: Mapping[str, str] | None = None) -> None:
        self._versions = {
            "erp_password": "1",
            "erp_es_password": "1",
            "klaviyo_key": "1",
            "short_key": "1",
            **(versions or {}),
        }

    def get(self, name: str) -> Secret:
        return Secret(name, "short" if name == "short_key" else f"value of {name}", self._versions[name])


@cache
def registry() -> Registry:
    installed = discover()
    return Registry([*installed.connectors.values(), *STANDINS], BUILTIN, installed.broken)


@cache
def fixture_files() -> Mapping[str, bytes]:
    """The files of tests/fixtures/project by path."""
    found = sorted(path for path in FIXTURE.rglob("*") if path.is_file())
    return {path.relative_to(FIXTURE).as_posix(): path.read_bytes() for path in found}


def copied(memory: Memory) -> Memory:
    """What an engine remembers at one moment: a compilation with it changes nothing for the next one."""
    made = copy.copy(memory)
    for name, value in vars(memory).items():
        if isinstance(value, dict | Pieces):
            setattr(made, name, copy.copy(value))
    return made


@cache
def _remembered() -> Memory:
    memory = Memory()
    compiled(fixture_files(), memory=memory)
    return memory


def edited_and_compiled(files: Mapping[str, bytes | str]) -> tuple[RouteSet, list[Finding]]:
    """`compiled`, by an engine that has compiled the fixture before: what did not change is not compiled again."""
    return compiled(files, memory=copied(_remembered()))


def compiled(
    files: Mapping[str, bytes | str],
    *,
    secrets: Any = None,
    plugins: Registry | None = None,
    memory: Memory | None = None,
) -> tuple[RouteSet, list[Finding]]:
    """Read and compile files by path; findings of both."""
    content = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    project, found = read_project_from(content, ENVIRONMENT)
    routes, more = compile_project(project, plugins or registry(), secrets or Secrets(), memory)
    return routes, in_order([*found, *more])


def with_changes(changes: Mapping[str, str | bytes | None]) -> dict[str, bytes | str]:
    """The fixture's files with some replaced, added, or (None) removed."""
    files: dict[str, bytes | str] = dict(fixture_files())
    for path, text in changes.items():
        if text is None:
            files.pop(path, None)
        else:
            files[path] = text
    return files


def edited(path: str, old: str, new: str) -> dict[str, bytes | str]:
    """The fixture's files with one text replaced in one file."""
    text = fixture_files()[path].decode()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
    return with_changes({path: text.replace(old, new)})


class TestEnv:
    """Surroundings of an expression: two stores, and whatever parameters are given."""

    __test__ = False

    def __init__(self, **params: Any) -> None:
        self._params = params
        self._schema = ""

    def meta(self, name: str) -> Any:
        return self._schema if name == "schema" else name

    def param(self, name: str) -> Any:
        return self._params[name]

    def secret(self, name: str, key: str = "") -> Any:
        return Secret(name, "x", "1")

    def lookup(self, table: str, key: Any, on: str = "") -> dict[str, Any]:
        found = self.find(table, key, on)
        if found is None:
            raise Permanent("reference-missing", f"table {table} has no row {key}")
        return found

    def find(self, table: str, key: Any, on: str = "") -> dict[str, Any] | None:
        rows = {"stores": {"0012": {"id": "0012", "name": "Calle Mayor", "country": "ES"}}}
        return rows.get(table, {}).get(key)

    def now(self) -> int:
        return 0

    def at(self, schema: str) -> TestEnv:
        env = TestEnv(**self._params)
        env._schema = schema
        return env

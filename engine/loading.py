"""A project as the engine sees it: read, compiled, with everything that is to be said about it.

Apart from the composition root: checking a project needs no backend and no runtime, and importing those takes time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.backends.secrets import EnvironmentSecrets, open_to_all, version_key
from engine.compile.compiler import compile_project
from engine.compile.plan import RouteSet
from engine.compile.reuse import Memory
from engine.config.project import Project, read_project, read_project_from
from engine.core.errors import SettingsError
from engine.core.findings import Finding, in_order
from engine.core.garbage import collecting_later
from engine.discover import discover
from engine.plugins.registry import Registry
from engine.ports.secrets import SecretSource
from engine.settings import EMBEDDED, Settings


@dataclass(frozen=True)
class Loaded:
    """A project as it was read and compiled. Where `findings` hold errors, the routes they are in have no Plan."""

    project: Project
    registry: Registry
    routeset: RouteSet
    findings: list[Finding]

    @property
    def sources(self) -> Mapping[str, bytes]:
        """Every file by path, for excerpts."""
        return self.project.files


def secrets_of(settings: Settings, environ: Mapping[str, str]) -> SecretSource:
    """Secrets of environment and folder. Their versions are keyed once a state folder exists; not where several hosts
    share a store, since all of them must see the same version to compile the same Plans.
    """
    keyed = settings.store == EMBEDDED and settings.state.is_dir()
    return EnvironmentSecrets(environ, settings.secrets, _key(settings.state) if keyed else b"")


def _key(state: Path) -> bytes:
    """Empty where nothing can be written: this user runs no engine there and only looks at files."""
    path = state / "version.key"
    try:
        return version_key(path)
    except OSError as error:
        if not os.access(state, os.W_OK):
            return b""
        raise SettingsError(
            f"{path} cannot be read or made: {error.strerror}; give the right to, or choose another state folder with "
            "--state or TILLFLOW_STATE"
        ) from None


def exposed_secrets(settings: Settings) -> list[str]:
    """A sentence for each secret file that more people can read than need to."""
    return [
        f"{path} can be read by every user of this machine; chmod 600 {path}" for path in open_to_all(settings.secrets)
    ]


def load(settings: Settings, environ: Mapping[str, str] | None = None, registry: Registry | None = None) -> Loaded:
    """Read and compile a project. Never raises for what stands in its files: that is in `findings`."""
    values = os.environ if environ is None else environ
    with collecting_later():
        known = registry or discover()
        project, found = read_project(settings.project, values)
        routeset, more = compile_project(project, known, secrets_of(settings, values))
    return Loaded(project, known, routeset, in_order([*found, *more]))


class Compiling:
    """Compiles a project's files again and again, as they change."""

    def __init__(self, settings: Settings, environ: Mapping[str, str], registry: Registry) -> None:
        self._settings = settings
        self._environ = environ
        self._registry = registry
        self._memory = Memory()

    def compile(self, files: Mapping[str, bytes]) -> tuple[RouteSet, list[Finding]]:
        """The RouteSet and everything that is to be said about it."""
        project, found = read_project_from(files, self._environ)
        secrets = secrets_of(self._settings, self._environ)
        routeset, more = compile_project(project, self._registry, secrets, self._memory)
        return routeset, in_order([*found, *more])


def load_files(
    files: Mapping[str, bytes], settings: Settings, registry: Registry, environ: Mapping[str, str] | None = None
) -> RouteSet:
    """Compile a recorded revision from its bytes."""
    return compile_files(files, settings, registry, os.environ if environ is None else environ)[0]


def compile_files(
    files: Mapping[str, bytes], settings: Settings, registry: Registry, environ: Mapping[str, str]
) -> tuple[RouteSet, list[Finding]]:
    """The same, with everything that is to be said about it now: a secret it names may be gone."""
    project, found = read_project_from(files, environ)
    routeset, more = compile_project(project, registry, secrets_of(settings, environ))
    return routeset, in_order([*found, *more])

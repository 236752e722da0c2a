"""What is wanted: a project as it was read and compiled, before anything runs on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from engine.compile.partial import build
from engine.compile.plan import RouteSet
from engine.ports.store.revisions import Revision


@dataclass(frozen=True)
class Wanted:
    """One reading of a project.

    digest   of its RouteSet; empty where there are errors
    plans    digests of its Plans, see `RouteSet.digests`
    errors   one line each: `file:line:column code message`
    """

    files: Mapping[str, bytes]
    digest: str = ""
    plans: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()

    @classmethod
    def of(cls, routeset: RouteSet) -> Wanted:
        """One that was compiled here."""
        return cls(routeset.files, routeset.digest, dict(routeset.digests))


class Reader(Protocol):
    """Reads a project's files, outside of the engine's loop."""

    async def changed(self) -> Wanted | None:
        """The files, when they are others than at the last answer. At once."""
        ...

    async def now(self) -> Wanted:
        """The files as they are now."""
        ...


# Compiles the files of a recorded revision as this process would run it, starting from the RouteSet that runs. Raises
# ValueError that says why it cannot.
Build = Callable[[Revision, RouteSet], Awaitable[RouteSet]]
# Runs the tests of these routes, where they are others now (see `other_places`), over these files; a line for each that
# fails.
Test = Callable[[Mapping[str, bytes], Mapping[str, Collection[str]]], Awaitable[list[str]]]


async def _no_tests(files: Mapping[str, bytes], changed: Mapping[str, Collection[str]]) -> list[str]:
    return []


@dataclass(frozen=True)
class Project:
    """What an engine is given of a project beyond its RouteSet: reading it again, compiling it, running its tests.

    reader  None: the files cannot be read again
    watch   what the reader finds is applied by itself; else when somebody asks
    build   None: with the engine's own `load`, at once
    """

    reader: Reader | None = None
    build: Build | None = None
    test: Test = _no_tests
    watch: bool = True


def building(load: Callable[[Mapping[str, bytes]], RouteSet]) -> Build:
    """A Build that compiles in this thread."""

    async def built(revision: Revision, before: RouteSet) -> RouteSet:
        return build(revision.files, revision.id, revision.plans, before, load)

    return built

"""What is wanted: a project as it was read and compiled, before anything runs on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

from engine.compile.plan import RouteSet
from engine.ports.store.revisions import Revision


@dataclass(frozen=True)
class Wanted:
    """One reading of a project.

    digest   of its RouteSet; empty where there are errors
    plans    route -> digest of its Plan
    errors   one line each: `file:line:column code message`
    """

    files: Mapping[str, bytes]
    digest: str = ""
    plans: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()

    @classmethod
    def of(cls, routeset: RouteSet) -> Wanted:
        """One that was compiled here."""
        return cls(routeset.files, routeset.digest, {route: plan.digest for route, plan in routeset.plans.items()})


# A project's files as they are now; None when they are as they were at the last call.
Read = Callable[[], Awaitable[Wanted | None]]
# Compiles the files of a recorded revision as this process would run it, starting from the RouteSet that runs. Raises
# ValueError that says why it cannot.
Build = Callable[[Revision, RouteSet], Awaitable[RouteSet]]
# Runs the tests of these routes over these files; a line for each that fails.
Test = Callable[[Mapping[str, bytes], Collection[str]], Awaitable[list[str]]]


async def no_tests(files: Mapping[str, bytes], routes: Collection[str]) -> list[str]:
    """Where nobody runs them."""
    return []

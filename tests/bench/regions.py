"""What regions cost: compiling routes under overlays, and choosing the Plan of one event."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.backends.secrets import DictSecrets
from engine.compile.compiler import compile_project
from engine.compile.regions.choosing import Regional
from engine.config.project import read_project_from
from engine.core.clock import SystemClock
from engine.core.event import Event
from engine.runtime.router.env import RouteEnv, Surroundings
from tests.bench.timing import micros
from tests.regions.site import BASE, CITY, POSTING, SITE, compiled, overlay, pack, registry

ROUTES, REGIONS = 50, 20


class _Stores:
    """A reference table in memory."""

    rows = {"A": {"brand": "market"}, "C": {"brand": "city"}}  # noqa: RUF012

    def find(self, table: str, key: Any, on: str) -> dict[str, Any] | None:
        return self.rows.get(key)


def files(share: int) -> dict[str, bytes]:
    """Routes and regions; of the pairs every `share`-th has an overlay."""
    found = {path: text for path, text in BASE.items() if path not in ("routes/plain.yaml", "routes/posting.test.yaml")}
    names = [f"posting-{number:03}" for number in range(ROUTES)]
    found |= {f"routes/{name}.yaml": POSTING.replace("route: posting", f"route: {name}") for name in names}
    for number in range(REGIONS):
        code = f"{chr(97 + number // 26)}{chr(97 + number % 26)}"
        found |= pack(code)
        for index, name in enumerate(names):
            if (index + number) % share == 0:
                found |= overlay(code, _overlay(code, number), name, f"{name}@^1")
    return {path: text.encode() for path, text in found.items()}


def _overlay(code: str, number: int) -> str:
    return (
        f"set: {{most: {10 + number}}}\n"
        "fill:\n  fiscal:\n    - {id: taxed, enrich: {table: stores, key: store, into: extensions.fiscal.store}}\n"
        f"fill_mapping: {{sale-to-entry: {{more: {{{code}: store}}}}}}\n"
        "disable: [{id: notes, reason: the law}]\n"
    )


def run(root: Path) -> None:
    print(f"regions: {ROUTES} routes x {REGIONS} countries, seconds of one processor")
    plugins = registry()
    for share in (10, 1):
        whole = files(share)
        began = time.process_time()
        project, _ = read_project_from(whole, {})
        read = time.process_time()
        routes, found = compile_project(project, plugins, DictSecrets({}))
        spent = time.process_time() - read
        assert not [one for one in found if one.severity == "error"]
        told = f"{len(project.overlays):5} overlays: read {read - began:.2f}, compiled {spent:.2f}"
        print(f"  {told}, {len(routes.every_plan)} Plans")
    _choosing()


def _choosing() -> None:
    regional = compiled(SITE | CITY)[0].regional
    print("choosing the Plan of one event, microseconds")
    for told, route in (("by country", "plain"), ("by country and brand, looked up", "posting")):
        print(f"  {told:32} {micros(_choice(regional[route])):6.2f}")


def _choice(regional: Regional) -> Callable[[], object]:
    plan = next(iter(regional.grounds.values())).spans[0].plan
    around = Surroundings(_Stores(), DictSecrets({}), SystemClock())
    data = {"country": "ES", "store": "C"}
    event = Event("1", "sale@1", "bench", data, 0, "2027-06-01")

    def choose() -> object:
        placed = regional.place(data, RouteEnv(plan, event, "sale@1", around))
        assert placed.ground is not None
        return placed.ground.on(event.day).plan

    return choose

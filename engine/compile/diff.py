"""What changes when one RouteSet takes the place of another."""

from __future__ import annotations

from dataclasses import dataclass

from engine.compile.plan import RouteSet


@dataclass(frozen=True)
class RouteSetDiff:
    """Route names, sorted. A route is `changed` when its Plan's digest is another one."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def diff(before: RouteSet, after: RouteSet) -> RouteSetDiff:
    """What has to be done to get from one to the other."""
    old, new = before.plans, after.plans
    both = sorted(old.keys() & new.keys())
    return RouteSetDiff(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed=tuple(name for name in both if old[name].digest != new[name].digest),
        unchanged=tuple(name for name in both if old[name].digest == new[name].digest),
    )

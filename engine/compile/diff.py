"""What changes when one RouteSet takes the place of another: by digest, with causes, risks, and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.compile.difftext import described, document, file_words, located
from engine.compile.plan import Plan, RouteSet
from engine.compile.risks import Risk, removed, risks_of

BASE = ""  # where no overlay counts, among the places a route runs in
Kind = Literal["added", "removed", "renamed", "changed"]


@dataclass(frozen=True)
class Cause:
    """Why a Plan is another one.

    kind   file (the route's own), mapping, schema, template, subflow, table, connection, secret (its version), or plugin
           (its version)
    """

    kind: str
    name: str

    def __str__(self) -> str:
        return "its own file" if self.kind == "file" else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class RouteChange:
    """One route. `was` is the former name of a renamed one, `texts` say in words what is different."""

    route: str
    kind: Kind
    was: str = ""
    causes: tuple[Cause, ...] = ()
    texts: tuple[str, ...] = ()
    risks: tuple[Risk, ...] = ()


@dataclass(frozen=True)
class RouteSetDiff:
    """Changes in order of route; `others` are changes outside of any route: tables nobody reads, spare connections."""

    changes: tuple[RouteChange, ...]
    unchanged: tuple[str, ...]
    others: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes or self.others)

    def of(self, kind: Kind) -> tuple[str, ...]:
        """Names of the routes that changed so."""
        return tuple(change.route for change in self.changes if change.kind == kind)

    @property
    def added(self) -> tuple[str, ...]:
        return self.of("added")

    @property
    def removed(self) -> tuple[str, ...]:
        return self.of("removed")

    @property
    def renamed(self) -> tuple[str, ...]:
        return self.of("renamed")

    @property
    def changed(self) -> tuple[str, ...]:
        return self.of("changed")

    @property
    def risks(self) -> tuple[Risk, ...]:
        return tuple(risk for change in self.changes for risk in change.risks)

    def shown(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "changes": [
                {
                    "route": change.route,
                    "kind": change.kind,
                    "was": change.was,
                    "causes": [{"kind": cause.kind, "name": cause.name} for cause in change.causes],
                    "texts": list(change.texts),
                    "risks": [{"name": r.name, "text": r.text, "refused": r.refused} for r in change.risks],
                }
                for change in self.changes
            ],
            "others": list(self.others),
            "unchanged": list(self.unchanged),
        }


def diff(before: RouteSet, after: RouteSet) -> RouteSetDiff:
    """What has to be done to get from one to the other."""
    old, new = before.plans, after.plans
    renamed = _renamed(old, new)
    changes: list[RouteChange] = []
    for route in sorted(old.keys() | new.keys()):
        if route in renamed.values():
            continue
        if route in renamed:
            changes.append(_changed(before, after, old[renamed[route]], new[route]))
        elif route not in old:
            changes.append(RouteChange(route, "added", texts=(f"{route}: route added",)))
        elif route not in new:
            texts = (f"{route}: route removed",)
            changes.append(RouteChange(route, "removed", texts=texts, risks=(removed(old[route]),)))
        elif old[route].digest != new[route].digest:
            changes.append(_changed(before, after, old[route], new[route]))
        elif regions := _regions(before, after, route):
            changes.append(regions)
    told = {change.route for change in changes}
    same = sorted(route for route in old.keys() & new.keys() if route not in told)
    return RouteSetDiff(tuple(changes), tuple(same), tuple(_others(before, after)))


def _regions(before: RouteSet, after: RouteSet, route: str) -> RouteChange | None:
    """What is different in some regions only."""
    old, new = (_under(routeset, route) for routeset in (before, after))
    texts: list[str] = []
    causes: list[Cause] = []
    risks: list[Risk] = []
    for name in sorted(old.keys() | new.keys()):
        was, now = (known.get(name) for known in (old, new))
        if was is None or now is None:
            how = "added" if was is None else "removed"
            texts.append(f"{route}: {how} {name or 'the base'}")
        elif was.digest != now.digest:
            change = _changed(before, after, was, now)
            texts += [located(text, name) for text in change.texts]
            causes += change.causes
            risks += change.risks
    if not texts:
        return None
    return RouteChange(route, "changed", "", tuple(dict.fromkeys(causes)), tuple(texts), tuple(dict.fromkeys(risks)))


def _under(routeset: RouteSet, route: str) -> dict[str, Plan]:
    """Plans of a route by the overlays that made them, the countries they hold in, and since when."""
    regional = routeset.regional.get(route)
    spans = regional.spans() if regional is not None else ()
    return {ground.named(span): span.plan for ground, span in spans if ground.packs}


def other_places(before: RouteSet | None, after: RouteSet) -> dict[str, list[str]]:
    """Where routes run another Plan than before: under the overlays and since when as `Ground.named` says it, and `""`
    on the base. Routes that run everywhere as before are left out.
    """
    found = {}
    for route in after.plans:
        old = _everywhere(before, route) if before is not None else {}
        other = [name for name, digest in _everywhere(after, route).items() if old.get(name) != digest]
        if other:
            found[route] = other
    return found


def _everywhere(routeset: RouteSet, route: str) -> dict[str, str]:
    base = routeset.plans.get(route)
    found = {name: plan.digest for name, plan in _under(routeset, route).items()}
    return {BASE: base.digest, **found} if base is not None else found


def _renamed(old: Mapping[str, Plan], new: Mapping[str, Plan]) -> dict[str, str]:
    """New name -> former name: a route that is gone and one that came with the same effects, written down."""
    gone = {_effects(old[route]): route for route in sorted(old.keys() - new.keys()) if _effects(old[route])}
    found: dict[str, str] = {}
    for route in sorted(new.keys() - old.keys()):
        former = gone.pop(_effects(new[route]), None)
        if former is not None:
            found[route] = former
    return found


def _effects(plan: Plan) -> frozenset[str]:
    return frozenset(sink.effect for sink in plan.sinks)


def _changed(before: RouteSet, after: RouteSet, old: Plan, new: Plan) -> RouteChange:
    causes = tuple(_causes(before, after, old, new))
    lines = [*described(old.effective, new.effective), *_elsewhere(before, after, causes)]
    if not lines and not causes and old.route == new.route:
        lines = ["compiled otherwise: plugins, secrets or values of the environment are not what they were"]
    kind: Kind = "changed" if old.route == new.route else "renamed"
    texts = tuple(f"{new.route}: {line}" for line in lines)
    was = "" if kind == "changed" else old.route
    return RouteChange(new.route, kind, was, causes, texts, risks_of(before, after, old, new))


def _causes(before: RouteSet, after: RouteSet, old: Plan, new: Plan) -> Iterator[Cause]:
    if old.effective != new.effective:
        yield Cause("file", new.route)
    for key in sorted(old.uses.keys() | new.uses.keys()):
        if key == "from" or old.uses.get(key) == new.uses.get(key):
            continue
        kind, _, name = key.partition(" ")
        if key not in old.uses or key not in new.uses:
            continue  # it is used, or not any more, because the file says so
        if kind in ("mapping", "schema", "template", "subflow", "table", "secret"):
            yield Cause(kind, name)
        elif kind == "connection":
            yield from _connection(before, after, name)
        else:
            yield Cause("plugin", name)


def _connection(before: RouteSet, after: RouteSet, name: str) -> Iterator[Cause]:
    """The connection itself, or a secret of it that has another version."""
    old, new = before.connections[name], after.connections[name]
    both = old.secrets.keys() & new.secrets.keys()
    secrets = sorted(secret for secret in both if old.secrets[secret] != new.secrets[secret])
    for secret in secrets:
        yield Cause("secret", secret)
    if not secrets or described(*(_declared(one, name) for one in (before, after))):
        yield Cause("connection", name)


def _declared(routeset: RouteSet, name: str) -> Any:
    whole = document(routeset.files, "routes/connections.yaml") or {}
    return (whole.get("connections") or {}).get(name) or {}


def _elsewhere(before: RouteSet, after: RouteSet, causes: tuple[Cause, ...]) -> Iterator[str]:
    """What is different in other files than the route's."""
    for cause in causes:
        if cause.kind == "connection":
            lines = described(*(_declared(one, cause.name) for one in (before, after)))
            yield from (located(line, f"connection {cause.name}") for line in lines or ["changed"])
        elif cause.kind in ("mapping", "schema", "template", "subflow"):
            yield from file_words(before.files, after.files, cause.kind, cause.name)
        elif cause.kind in ("secret", "plugin"):
            yield f"{cause.kind} {cause.name} has another version"
        elif cause.kind == "table":
            yield f"table {cause.name} is declared otherwise"


def _others(before: RouteSet, after: RouteSet) -> Iterator[str]:
    for what, old, new in (
        ("connection", {n: c.digest for n, c in before.connections.items()}, _digests(after)),
        ("table", {n: t.version for n, t in before.tables.items()}, {n: t.version for n, t in after.tables.items()}),
    ):
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name) and not _used(before, after, f"{what} {name}"):
                how = "added" if name not in old else "removed" if name not in new else "changed"
                yield f"{what} {name} {how}; no route uses it"


def _digests(routeset: RouteSet) -> dict[str, str]:
    return {name: connection.digest for name, connection in routeset.connections.items()}


def _used(before: RouteSet, after: RouteSet, key: str) -> bool:
    return any(key in plan.uses for routeset in (before, after) for plan in routeset.plans.values())

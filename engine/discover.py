"""Finding the installed plugins: folders under `connectors/`, packages with an entry point, and the built-in steps."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from engine.plugins.faults import faults
from engine.plugins.registry import Registry
from engine.plugins.spec import Connector, spec_of
from engine.steps import BUILTIN

GROUP = "tillflow.connectors"
PACKAGE = "connectors"

Found = tuple[str, Connector | str]  # a name with the connector, or with why it cannot be used


def discover(package: str = PACKAGE, group: str = GROUP) -> Registry:
    """A Registry of everything installed. A plugin that cannot be used is `broken` in it, nothing is raised.

    Of two packages that bring one name none is taken, and none that brings a name of what is shipped.
    """
    shipped = list(in_package(package))
    added = _apart(shipped, list(in_entry_points(entry_points(group=group))))
    connectors = [found for _, found in [*shipped, *added] if isinstance(found, Connector)]
    broken = {name: found for name, found in [*shipped, *added] if isinstance(found, str)}
    return Registry(connectors, BUILTIN, broken)


def _apart(shipped: Sequence[Found], added: Sequence[Found]) -> list[Found]:
    """What packages added, without those that bring a name somebody else brings too."""
    unique = {id(found): (name, found) for name, found in added}
    claims = {key: _claims(found) for key, (_, found) in unique.items()}
    taken = {("step", spec_of(step).name) for step in BUILTIN}.union(*(_claims(found) for _, found in shipped))
    apart: list[Found] = []
    for key, (name, found) in unique.items():
        others = taken.union(*(other for at, other in claims.items() if at != key))
        clash = sorted(claims[key] & others)
        why = f"another installed plugin brings {' '.join(clash[0])} too; uninstall or rename one" if clash else found
        apart.append((name, why))
    return apart


def _claims(found: Connector | str) -> set[tuple[str, str]]:
    """Kind and name of everything a connector brings, and its own name."""
    if isinstance(found, str):
        return set()
    return {("connector", found.name), *((spec.kind, spec.name) for spec in found.specs())}


def in_package(package: str) -> Iterator[Found]:
    """Connectors in the folders of a package; `connectors.core.http` is the connector `core.http`."""
    try:
        root = importlib.import_module(package)
    except ModuleNotFoundError:
        return
    yield from _walk(root, package)


def _walk(module: ModuleType, package: str) -> Iterator[Found]:
    for info in pkgutil.iter_modules(module.__path__, f"{module.__name__}."):
        if not info.ispkg:
            continue
        name = info.name.removeprefix(f"{package}.")
        try:
            child = importlib.import_module(info.name)
        except Exception as error:
            yield name, f"importing {info.name} failed: {_said(error)}"
            continue
        connector = getattr(child, "connector", None)
        if connector is None:
            yield from _walk(child, package)
        else:
            yield name, _judged(connector, f"{info.name}.connector")


def in_entry_points(points: Iterable[EntryPoint]) -> Iterator[Found]:
    """Connectors that other packages offer."""
    for point in points:
        try:
            connector = point.load()
        except Exception as error:
            yield point.name, f"importing {point.value} failed: {_said(error)}"
            continue
        yield point.name, _judged(connector, point.value)


def _judged(connector: Any, place: str) -> Connector | str:
    """The connector when all of it can be used, or what is wrong with it."""
    if not isinstance(connector, Connector):
        return f"{place} is not an engine.sdk.Connector"
    wrong = faults(connector)
    return f"{place}: {'; '.join(wrong)}" if wrong else connector


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"

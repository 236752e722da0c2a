"""Finding the installed plugins: folders under `connectors/`, packages with an entry point, and the built-in steps."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

from engine.plugins.registry import Registry
from engine.plugins.spec import Connector
from engine.steps import BUILTIN

GROUP = "tillflow.connectors"
PACKAGE = "connectors"

Found = tuple[str, Connector | str]  # a name with the connector, or with why it cannot be used


def discover(package: str = PACKAGE, group: str = GROUP) -> Registry:
    """A Registry of everything installed. A plugin that cannot be imported is `broken` in it, nothing is raised.

    Raises ValueError when two plugins claim one name.
    """
    connectors: list[Connector] = []
    broken: dict[str, str] = {}
    for name, found in [*in_package(package), *in_entry_points(entry_points(group=group))]:
        if isinstance(found, Connector):
            connectors.append(found)
        else:
            broken[name] = found
    return Registry(connectors, BUILTIN, broken)


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
        elif isinstance(connector, Connector):
            yield name, connector
        else:
            yield name, f"{info.name}.connector is not an engine.sdk.Connector"


def in_entry_points(points: Iterable[EntryPoint]) -> Iterator[Found]:
    """Connectors that other packages offer."""
    for point in points:
        try:
            connector = point.load()
        except Exception as error:
            yield point.name, f"importing {point.value} failed: {_said(error)}"
            continue
        if isinstance(connector, Connector):
            yield point.name, connector
        else:
            yield point.name, f"{point.value} is not an engine.sdk.Connector"


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"

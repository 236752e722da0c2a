"""The map in the docstring of a package names every module of it, and nothing else."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

STAGES = tuple(f"engine.runtime.{name}" for name in ("ingress", "router", "delivery", "carrying", "people", "reload"))
ROOMS = tuple(f"engine.{name}" for name in ("cli", "compile", "console", "core", "expr", "plugins"))
MAPPED = (
    *ROOMS,
    "engine.runtime",
    *STAGES,
    "engine.ports",
    "engine.ports.store",
    "engine.steps.support",
    "engine.backends.rabbitmq",
    "engine.config",
    "engine.config.regions",
    "engine.compile.mapping",
    "engine.cli.dev",
    "engine.cli.demo",
    "connectors.compliance.support",
)
ELSEWHERE = {"engine.ports.store": {"base"}}  # the shape of an operation: described above the map


@pytest.mark.parametrize("package", MAPPED)
def test_the_map_of_a_package_is_whole(package: str) -> None:
    module = importlib.import_module(package)
    there = {found.name for found in pkgutil.iter_modules(module.__path__)} - ELSEWHERE.get(package, set())
    entries = re.findall(r"^ {0,2}([a-z_]+)  +\S", module.__doc__ or "", re.MULTILINE)
    assert sorted(entries) == sorted(there), "each module once, under the stage it belongs to"

"""Every public name of the plugin API says what it is: shapes, units, what is raised. So do the ports, for backends."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import pydoc
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import engine.plugins
import engine.ports
import engine.sdk
import engine.testing.contracts

APIS = (engine.sdk, engine.testing.contracts)


def below(package: ModuleType) -> list[ModuleType]:
    return [
        importlib.import_module(found.name) for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]


def own_names(module: ModuleType) -> list[str]:
    """Public classes and functions that are written in this module."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    ]


def undocumented(module: ModuleType, names: list[str]) -> Iterator[str]:
    for name in names:
        value = getattr(module, name)
        if inspect.isclass(value):
            yield from _of_class(name, value)
        elif inspect.isfunction(value):
            if not value.__doc__:
                yield name
        elif not _text_below(module.__name__, name):
            yield name


def _of_class(name: str, value: type[Any]) -> Iterator[str]:
    text = value.__dict__.get("__doc__") or ""
    if not text or text.startswith(f"{name}("):  # what dataclasses and named tuples put there
        yield name
    for member, held in vars(value).items():
        function = held.fget if isinstance(held, property) else getattr(held, "__func__", held)
        if not member.startswith("_") and inspect.isfunction(function) and not function.__doc__:
            yield f"{name}.{member}"


def _text_below(module: str, name: str) -> bool:
    """Whether a text stands below the assignment of this name, in the module that really holds it."""
    body = ast.parse(inspect.getsource(importlib.import_module(module))).body
    for here, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(here, ast.ImportFrom) and here.module and any((a.asname or a.name) == name for a in here.names):
            return _text_below(here.module, name)
        targets = (
            here.targets if isinstance(here, ast.Assign) else [here.target] if isinstance(here, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
    return False


@pytest.mark.parametrize("module", APIS, ids=lambda module: module.__name__)
def test_every_name_a_plugin_author_meets_says_what_it_is(module: ModuleType) -> None:
    assert list(undocumented(module, module.__all__)) == []


@pytest.mark.parametrize("package", [engine.ports, engine.plugins], ids=lambda package: package.__name__)
def test_every_port_and_every_contract_says_what_it_asks(package: ModuleType) -> None:
    assert [
        f"{module.__name__}.{name}" for module in below(package) for name in undocumented(module, own_names(module))
    ] == []


def test_a_missing_text_is_found() -> None:
    module = ModuleType("made")
    exec("class Bare:\n    def go(self): ...\n\ndef free(): ...\n", vars(module))
    assert list(undocumented(module, ["Bare", "free"])) == ["Bare", "Bare.go", "free"]


@pytest.mark.parametrize("module", [*APIS, *below(engine.ports)], ids=lambda module: module.__name__)
def test_pydoc_prints_it(module: ModuleType) -> None:
    told = pydoc.render_doc(module, renderer=pydoc.plaintext)
    assert all(name in told for name in getattr(module, "__all__", own_names(module)))

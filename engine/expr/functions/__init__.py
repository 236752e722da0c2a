"""The functions of the expression language, built in and from plugins, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.expr.functions import answers, checks, dates, event, lists, money, standard, tables, text
from engine.expr.signature import Function, Parameter, read_function

_MODULES = (standard, money, dates, text, tables, answers, lists, event, checks)


class FunctionTable(Mapping[str, Function]):
    """Functions by name. Never changes; `extended` makes a new one.

    `groups` says in which chapter of the reference a function stands.
    """

    def __init__(self, functions: Mapping[str, Function], groups: Mapping[str, str]) -> None:
        self._functions = dict(functions)
        self.groups = dict(groups)

    @classmethod
    def builtin(cls) -> FunctionTable:
        """The functions that come with the engine."""
        return _BUILTIN

    def extended(self, functions: Mapping[str, Callable[..., Any]], group: str = "plugins") -> FunctionTable:
        """This table and more functions. Raises ValueError when a name is taken or a signature cannot be read."""
        added: dict[str, Function] = {}
        for name, call in functions.items():
            if name in self._functions:
                raise ValueError(f"the function {name} exists already; give the plugin's function another name")
            added[name] = read_function(call, name)
        return FunctionTable({**self._functions, **added}, {**self.groups, **dict.fromkeys(added, group)})

    # One table is one set of functions: compared and hashed as an object, so compiled expressions can be kept by it.
    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __getitem__(self, name: str) -> Function:
        return self._functions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)


def _built_in() -> FunctionTable:
    table = FunctionTable({}, {})
    for module in _MODULES:
        named = {call.__name__.rstrip("_"): call for call in module.FUNCTIONS}
        table = table.extended(named, module.__name__.rpartition(".")[2])
    return table


_BUILTIN = _built_in()

__all__ = ["Function", "FunctionTable", "Parameter"]

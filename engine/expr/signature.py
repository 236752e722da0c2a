"""A function of the expression language: a Python function and what its annotations and docstring say of it."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from engine.expr.types import Kind
from engine.expr.values import KINDS, a

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PYTHON_KINDS = {str: "text", bool: "yes/no", int: "number", list: "list", dict: "object"}


class Parameter(Struct, frozen=True):
    """One argument. `accepted`: the exact Python types it takes, None for any; `elements`: those of a list's items."""

    name: str
    kinds: tuple[str, ...]
    accepted: frozenset[type] | None
    elements: frozenset[type] | None = None
    element_kinds: tuple[str, ...] = ()
    required: bool = True
    variadic: bool = False
    nullable: bool = False
    choices: tuple[Any, ...] = ()
    names: str = ""
    literal: bool = False
    prepare: Callable[[Any], Any] | None = None
    lazy: bool = False
    per_item: bool = False

    @property
    def wanted(self) -> str:
        """What may be passed, for people."""
        if self.per_item:
            return "an expression with & before it"
        if self.choices:
            return "one of " + ", ".join(f"'{choice}'" for choice in self.choices)
        return " or ".join(map(a, self.kinds)) or "anything"


class Function(Struct, frozen=True):
    """A function of the expression language.

    summary, text   first sentence and rest of the docstring
    examples        (expression, its result as JSON): the docstring's lines `expression -> result`
    gives           kinds of the result; empty = anything
    wants_env       the Python function takes the Env first
    """

    name: str
    call: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    gives: tuple[str, ...]
    gives_elements: tuple[str, ...]
    gives_null: bool
    summary: str
    text: str
    examples: tuple[tuple[str, str], ...]
    wants_env: bool

    @property
    def least(self) -> int:
        """The smallest number of arguments."""
        return sum(p.required for p in self.parameters)

    @property
    def most(self) -> int | None:
        """The largest number of arguments; None without a limit."""
        return None if any(p.variadic for p in self.parameters) else len(self.parameters)

    def parameter(self, position: int) -> Parameter:
        """The parameter an argument at `position` belongs to."""
        return self.parameters[min(position, len(self.parameters) - 1)]

    @property
    def usage(self) -> str:
        """`name(a, b?, ...)` for messages and the reference."""
        parts = [p.name + ("?" if not p.required and not p.variadic else "") for p in self.parameters]
        if self.parameters and self.parameters[-1].variadic:
            parts.append("...")
        return f"{self.name}({', '.join(parts)})"


def read_function(call: Callable[..., Any], name: str = "") -> Function:
    """A Function from an annotated Python function. Raises ValueError when its name or an annotation cannot be used."""
    name = name or call.__name__.rstrip("_")
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name of a function: letters, digits and _ only")
    hints = typing.get_type_hints(call, include_extras=True)
    declared = list(inspect.signature(call).parameters.values())
    wants_env = bool(declared) and declared[0].name == "env"
    parameters = tuple(_parameter(name, p, hints) for p in declared[1 if wants_env else 0 :])
    given = _Reading(hints.get("return", Any), f"result of {name}")
    summary, text, examples = _documentation(call)
    return Function(
        name, call, parameters, given.kinds, given.element, given.nullable, summary, text, examples, wants_env
    )


class _Reading:
    """What an annotation says."""

    def __init__(self, annotation: Any, where: str) -> None:
        self.where = where
        self.nullable = False
        self.kinds: tuple[str, ...] = ()
        self.element: tuple[str, ...] = ()
        self.choices: tuple[Any, ...] = ()
        self.note = Kind()
        self.anything = False
        self._read(annotation)
        if self.anything:
            self.kinds = ()

    def _read(self, annotation: Any) -> None:
        origin = typing.get_origin(annotation)
        if origin in (typing.Union, types.UnionType):
            for part in typing.get_args(annotation):
                self._read(part)
        elif origin is typing.Annotated:
            self._read_note(next((m for m in annotation.__metadata__ if isinstance(m, Kind)), Kind()))
        elif origin is typing.Literal:
            self.choices = typing.get_args(annotation)
            self.kinds += ("text",)
        elif annotation is type(None):
            self.nullable = True
        elif annotation is Any:
            self.anything = True
        elif (origin or annotation) in _PYTHON_KINDS:
            self.kinds += (_PYTHON_KINDS[origin or annotation],)
        else:
            raise ValueError(
                f"{self.where}: {annotation!r} is not a type of an expression; engine.sdk has Text, Number, List and others"
            )

    def _read_note(self, note: Kind) -> None:
        self.note = note
        self.kinds += note.kinds
        self.element += note.element
        self.anything = self.anything or not (note.kinds or note.lazy or note.per_item)


def _accepted(kinds: tuple[str, ...], nullable: bool) -> frozenset[type] | None:
    if not kinds:
        return None
    wanted = set(kinds) | ({"null"} if nullable else set())
    if "text" in wanted:
        wanted |= {"date", "moment"}
    return frozenset(python for python, kind in KINDS.items() if kind in wanted)


def _parameter(function: str, declared: inspect.Parameter, hints: dict[str, Any]) -> Parameter:
    if declared.kind in (declared.KEYWORD_ONLY, declared.VAR_KEYWORD):
        raise ValueError(f"{function}: argument {declared.name} must be positional")
    read = _Reading(hints.get(declared.name, Any), f"{function}, argument {declared.name}")
    variadic = declared.kind is declared.VAR_POSITIONAL
    return Parameter(
        name=declared.name.rstrip("_"),
        kinds=read.kinds,
        accepted=None if read.note.lazy or read.note.per_item else _accepted(read.kinds, read.nullable),
        elements=_accepted(read.element, False),
        element_kinds=read.element,
        required=declared.default is declared.empty and not variadic,
        variadic=variadic,
        nullable=read.nullable or read.anything,
        choices=read.choices,
        names=read.note.names,
        literal=read.note.literal,
        prepare=read.note.prepare,
        lazy=read.note.lazy,
        per_item=read.note.per_item,
    )


def _documentation(call: Callable[..., Any]) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    lines = (inspect.getdoc(call) or "").splitlines() or [""]
    examples, text = [], []
    for line in lines[1:]:
        before, arrow, after = line.rpartition(" -> ")
        if arrow:
            examples.append((before.strip(), after.strip()))
        else:
            text.append(line.strip())
    return lines[0].strip(), "\n".join(text).strip(), tuple(examples)

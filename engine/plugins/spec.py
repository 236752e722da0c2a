"""What a decorator attaches to a plugin class. Nothing is registered on import; a Registry is told what there is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import BaseModel

API = 1
"""Number of this plugin API; raised when a plugin written for the one before would not work any more.

A Connector says which one it was written for. Another number refuses that connector, with findings in its routes.
"""

ComponentKind = Literal["source", "sink", "call", "step", "format", "function", "auth"]
NAME = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*(\.[a-z0-9]+(_[a-z0-9]+)*)*")
T = TypeVar("T", bound=type)
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class ComponentSpec:
    """One declaration: the reference page, the linter's rules and the editor's schema all come from it.

    name      `map`, `pos.poslog`, `core.http`: lower case words, dots between namespaces
    summary   first sentence of the docstring
    text      the rest of it: guarantees and behaviour on failure
    """

    kind: ComponentKind
    name: str
    target: Any
    summary: str
    text: str
    since: str
    aliases: tuple[str, ...] = ()

    @property
    def config(self) -> type[BaseModel] | None:
        """Its nested `Config`; None where it has none (a sink, a call, a function)."""
        return getattr(self.target, "Config", None)


def _spec(kind: ComponentKind, name: str, target: Any, since: str) -> ComponentSpec:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a plugin name: lower case words joined by _, namespaces by dots")
    summary, _, text = (target.__doc__ or "").strip().partition("\n")
    if not summary:
        raise ValueError(f"{kind} {name} has no docstring; its first sentence is its summary")
    lines = [line.strip() for line in text.strip().splitlines()]
    return ComponentSpec(kind, name, target, summary, "\n".join(lines), since)


def _decorate(kind: ComponentKind, name: str, since: str) -> Callable[[Any], Any]:
    def attach(target: Any) -> Any:
        target.__tillflow__ = _spec(kind, name, target, since)
        return target

    return attach


def step(name: str, since: str = "0.1") -> Callable[[T], T]:
    """Declare a step type."""
    return _decorate("step", name, since)


def source(name: str, since: str = "0.1") -> Callable[[T], T]:
    """Declare a Source of the connector `name`."""
    return _decorate("source", name, since)


def sink(name: str, since: str = "0.1") -> Callable[[T], T]:
    """Declare a Sink of the connector `name`."""
    return _decorate("sink", name, since)


def call(name: str, since: str = "0.1") -> Callable[[T], T]:
    """Declare a Call of the connector `name`."""
    return _decorate("call", name, since)


def format(name: str, since: str = "0.1") -> Callable[[T], T]:
    """Declare a Format."""
    return _decorate("format", name, since)


def auth_scheme(name: str, since: str = "0.1") -> Callable[[T], T]:
    """Declare an AuthScheme."""
    return _decorate("auth", name, since)


def function(name: str, since: str = "0.1") -> Callable[[F], F]:
    """Declare a function of the expression language: an ordinary function, pure and quick.

    Parameters and result are annotated with Text, Number, YesNo, List, Object, Date and the others of `engine.sdk`, `| None`
    where null may come; a first parameter called `env` gets the Env. Lines `expression -> result` of the docstring are
    its examples. It raises Refused when the value has no answer: the event becomes a work item.
    """
    return _decorate("function", name, since)


def spec_of(target: Any) -> ComponentSpec:
    """The spec a decorator attached. Raises TypeError when there is none."""
    spec = target.__dict__.get("__tillflow__") if hasattr(target, "__dict__") else None
    if spec is None:
        raise TypeError(f"{target!r} carries no plugin declaration; decorate it with engine.sdk")
    return spec  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Connector:
    """A plugin for one outside system (or a set of formats, functions or steps).

    name         `core.http`; its Source, Sink and Call carry the same name
    connection   class of the opened Connection with its nested `Config`; None when nothing is opened
    components   decorated classes and functions
    api          the `engine.sdk.API` it was written for
    """

    name: str
    components: tuple[Any, ...]
    connection: type[Any] | None = None
    summary: str = ""
    version: str = "0"
    api: int = API

    def specs(self) -> Iterable[ComponentSpec]:
        """The spec of every component. Raises TypeError for one without a decorator."""
        return [spec_of(component) for component in self.components]

"""What is wrong with a connector before anything of it runs: told to its author, and nobody else's plugins break."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from engine.expr.functions import FunctionTable
from engine.expr.signature import read_function
from engine.plugins.contracts import Action, AuthScheme, Call, Connection, Format, Guarantee, Sink, Source, Step
from engine.plugins.spec import API, ComponentSpec, Connector, spec_of

BASES: Mapping[str, type[Any]] = {
    "source": Source,
    "sink": Sink,
    "call": Call,
    "step": Step,
    "format": Format,
    "auth": AuthScheme,
}
WITH_CONFIG = ("source", "step", "format", "auth")


def faults(connector: Connector) -> list[str]:
    """Sentences about a connector, empty when it is fine. Of one for another API only that its parts are declared."""
    ours = connector.api == API
    found = list(_of_connection(connector)) if ours else []
    for component in _components(connector):
        try:
            spec = spec_of(component)
        except TypeError as error:
            found.append(str(error))
            continue
        if ours:
            found += [f"{spec.kind} {spec.name}: {text}" for text in _of_component(connector, spec)]
    return found


def _components(connector: Connector) -> tuple[Any, ...]:
    return tuple(connector.components) if isinstance(connector.components, list | tuple) else (connector.components,)


def _of_connection(connector: Connector) -> Iterator[str]:
    if not isinstance(connector.components, list | tuple):
        yield "`components` is no tuple; one component is written (Thing,)"
    made = connector.connection
    if made is None:
        return
    if not (inspect.isclass(made) and issubclass(made, Connection)):
        yield f"`connection` is {made!r}, not a class made of engine.sdk.Connection"
        return
    yield from _of_class(f"connection {made.__name__}", made)
    yield from _of_config(f"connection {made.__name__}", made)


def _of_component(connector: Connector, spec: ComponentSpec) -> Iterator[str]:
    if spec.kind == "function":
        yield from _of_function(spec)
        return
    base = BASES[spec.kind]
    if not (inspect.isclass(spec.target) and issubclass(spec.target, base)):
        yield f"{spec.target!r} is not a class made of engine.sdk.{base.__name__}"
        return
    yield from _of_class("it", spec.target)
    if spec.kind in WITH_CONFIG:
        yield from _of_config("it", spec.target)
    if spec.kind in ("source", "sink", "call") and spec.name != connector.name:
        yield f"it carries another name than its connector, {connector.name}"
    if spec.kind in ("sink", "call"):
        yield from _of_actions(spec)


def _of_function(spec: ComponentSpec) -> Iterator[str]:
    if spec.name in FunctionTable.builtin():
        yield "the engine has a function of this name"
    try:
        read_function(spec.target, spec.name)
    except Exception as error:  # an annotation may name anything
        yield str(error)


def _of_class(what: str, made: type[Any]) -> Iterator[str]:
    missing = sorted(getattr(made, "__abstractmethods__", ()))
    if missing:
        yield f"{what} does not say how to {', '.join(f'`{name}`' for name in missing)}"


def _of_config(what: str, made: type[Any]) -> Iterator[str]:
    config = getattr(made, "Config", None)
    if not (inspect.isclass(config) and issubclass(config, BaseModel)):
        yield f"{what} has no nested `Config` made of engine.sdk.Options"


def _of_actions(spec: ComponentSpec) -> Iterator[str]:
    actions = getattr(spec.target, "actions", None)
    if not isinstance(actions, Mapping) or not actions:
        yield "`actions` names no action: {'post': Action(PostRequest, 'idempotency_key')}"
        return
    for name, action in actions.items():
        if not isinstance(action, Action):
            yield f"action {name} is {type(action).__name__}, not an engine.sdk.Action"
            continue
        yield from (f"action {name}: {text}" for text in _of_action(spec, action))


def _of_action(spec: ComponentSpec, action: Action) -> Iterator[str]:
    known = get_args(Guarantee)
    if not (inspect.isclass(action.config) and issubclass(action.config, BaseModel)):
        yield "its `config` is no model made of engine.sdk.Options"
        return
    if action.guarantee is not None and action.guarantee not in known:
        yield f"{action.guarantee!r} is no guarantee; known: {', '.join(known)}"
    if spec.kind == "sink" and action.guarantee is None:
        yield f"a sink's action says how a repeat is kept from doubling its effect, one of {', '.join(known)}"
    if spec.kind == "sink" and action.guarantee == "verify" and spec.target.verify is Sink.verify:
        yield "its guarantee is `verify`, and the sink does not say how to `verify`"
    if action.body and action.body not in action.config.model_fields:
        yield f"`body` names `{action.body}`, which its config does not have"
    if action.replaces and action.replaces not in action.config.model_fields:
        yield f"`replaces` names `{action.replaces}`, which its config does not have"
    if action.batch < 1:
        yield f"`batch` is {action.batch}; it holds one item at least"

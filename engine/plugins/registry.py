"""The Registry: every installed plugin by kind and name. An object that is handed around, never a global."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from engine.plugins.spec import API, ComponentKind, ComponentSpec, Connector, spec_of

KINDS: tuple[ComponentKind, ...] = ("source", "sink", "call", "step", "format", "function", "auth")


class Registry:
    """What is installed.

    steps, sources, sinks, calls, formats, functions, auth   name -> ComponentSpec
    connectors   name -> Connector, those that can be used
    refused      name -> why a connector written for another API cannot be used
    broken       name -> why a plugin could not be imported

    Two plugins with one kind and name raise ValueError: which one runs must never depend on the order of imports.
    """

    def __init__(
        self,
        connectors: Iterable[Connector] = (),
        components: Iterable[Any] = (),
        broken: Mapping[str, str] | None = None,
    ) -> None:
        self._by_kind: dict[ComponentKind, dict[str, ComponentSpec]] = {kind: {} for kind in KINDS}
        self._owner: dict[tuple[ComponentKind, str], Connector | None] = {}
        self._connectors: dict[str, Connector] = {}
        self._refused: dict[str, str] = {}
        self._broken: dict[str, str] = dict(broken or {})
        self._unusable: dict[tuple[ComponentKind, str], str] = {}
        for component in components:
            self._add(spec_of(component), None)
        for connector in connectors:
            self._take(connector)

    def _take(self, connector: Connector) -> None:
        if connector.name in self._connectors or connector.name in self._refused:
            raise ValueError(f"two installed connectors are called {connector.name}")
        if connector.api != API:
            reason = f"connector {connector.name} was written for plugin API {connector.api}, this engine has {API}"
            self._refused[connector.name] = reason
            for spec in connector.specs():
                self._unusable[spec.kind, spec.name] = reason
            return
        self._connectors[connector.name] = connector
        for spec in connector.specs():
            self._add(spec, connector)

    def _add(self, spec: ComponentSpec, owner: Connector | None) -> None:
        for name in (spec.name, *spec.aliases):
            if name in self._by_kind[spec.kind]:
                raise ValueError(f"two installed plugins are the {spec.kind} {name}")
            self._by_kind[spec.kind][name] = spec
            self._owner[spec.kind, name] = owner

    def of(self, kind: ComponentKind) -> Mapping[str, ComponentSpec]:
        """All of one kind by name."""
        return MappingProxyType(self._by_kind[kind])

    @property
    def steps(self) -> Mapping[str, ComponentSpec]:
        """Step types by name."""
        return self.of("step")

    @property
    def sources(self) -> Mapping[str, ComponentSpec]:
        """Sources by the name of their connector."""
        return self.of("source")

    @property
    def sinks(self) -> Mapping[str, ComponentSpec]:
        """Sinks by the name of their connector."""
        return self.of("sink")

    @property
    def calls(self) -> Mapping[str, ComponentSpec]:
        """Calls by the name of their connector."""
        return self.of("call")

    @property
    def formats(self) -> Mapping[str, ComponentSpec]:
        """Formats by name."""
        return self.of("format")

    @property
    def functions(self) -> Mapping[str, ComponentSpec]:
        """Functions of the expression language by name."""
        return self.of("function")

    @property
    def auth(self) -> Mapping[str, ComponentSpec]:
        """Auth schemes by name."""
        return self.of("auth")

    @property
    def connectors(self) -> Mapping[str, Connector]:
        """Connectors that can be used, by name."""
        return MappingProxyType(self._connectors)

    @property
    def refused(self) -> Mapping[str, str]:
        """Connectors written for another API: name -> why, in words for people."""
        return MappingProxyType(self._refused)

    @property
    def broken(self) -> Mapping[str, str]:
        """Plugins that could not be imported: name -> why, in words for people."""
        return MappingProxyType(self._broken)

    def unusable(self, kind: ComponentKind | None, name: str) -> str:
        """Why a plugin that is installed cannot be used; empty when nothing is known of it or it is fine."""
        if kind is not None and (kind, name) in self._unusable:
            return self._unusable[kind, name]
        if name in self._refused:
            return self._refused[name]
        return self._broken.get(name, "")

    def version(self, kind: ComponentKind, name: str) -> str:
        """`<connector>@<version>` of what brings this plugin, for digests; `engine` for what is built in."""
        owner = self._owner.get((kind, name))
        return f"{owner.name}@{owner.version}" if owner else "engine"

    def specs(self) -> list[ComponentSpec]:
        """Everything, each once, sorted by kind and name."""
        found = {id(spec): spec for by_name in self._by_kind.values() for spec in by_name.values()}
        return sorted(found.values(), key=lambda spec: (KINDS.index(spec.kind), spec.name))

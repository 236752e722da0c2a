"""The installed plugins with some of them replaced."""

from __future__ import annotations

from collections.abc import Mapping

from engine.plugins.registry import KINDS, Registry
from engine.plugins.spec import ComponentKind, ComponentSpec, Connector

Components = Mapping[ComponentKind, Mapping[str, ComponentSpec]]


class ReplacedRegistry(Registry):
    """Answers as the real one, but for these components and connectors. Versions stay those of the real ones."""

    def __init__(
        self, real: Registry, components: Components, connectors: Mapping[str, Connector] | None = None
    ) -> None:
        super().__init__()
        self.__dict__.update(real.__dict__)
        self._by_kind = {kind: {**real.of(kind), **components.get(kind, {})} for kind in KINDS}
        if connectors is not None:
            self._connectors = dict(connectors)

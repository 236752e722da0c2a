"""The data planes that the fault stories run over. Another one is added here by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.backends.rabbitmq import transport
from engine.backends.rabbitmq.aiormq_plane import AiormqPlane
from engine.backends.rabbitmq.dataplane import DataPlane

PLANES: Mapping[str, Callable[[], DataPlane]] = {"aiormq": AiormqPlane}


def use(name: str) -> None:
    """Let this process carry its data over that plane; empty: over the usual one. Raises KeyError for another name."""
    if name:
        transport.AiormqPlane = PLANES[name]  # type: ignore[misc, assignment]

"""Where a pydantic error is in a document, and how the block around it is called."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.config.document import Document
from engine.config.modelwalk import Model
from engine.config.nodes import Path


@dataclass(frozen=True)
class Surroundings:
    """What else is known about the place of a Config.

    also    keys that are valid here besides the model's own (read by somebody else)
    above   keys that are valid one level further up
    what    how the block is called in messages; its key by default
    """

    also: Collection[str] = ()
    above: Collection[str] = ()
    what: str = ""


@dataclass
class Context:
    document: Document
    base: Path
    model: Model
    data: Any
    around: Surroundings = field(default_factory=Surroundings)

    def path(self, loc: Sequence[str | int]) -> Path:
        """The path in the document of an error's location: tags of unions are no keys and are skipped."""
        value, path = self.data, self.base
        for position, part in enumerate(loc):
            if _has(value, part):
                value, path = value[part], (*path, part)
            elif isinstance(value, dict) and position == len(loc) - 1:
                return (*path, part)
        return path

    def relative(self, path: Path) -> Path:
        return path[len(self.base) :]


def _has(value: Any, part: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def value_at(document: Document, path: Path) -> Any:
    try:
        return document.at(path)
    except (KeyError, IndexError, TypeError):
        return None


def block_name(context: Context, path: Path) -> str:
    """How the block at `path` is called."""
    if context.around.what and path == context.base:
        return context.around.what
    names = [part for part in path if isinstance(part, str)]
    if not names:
        return "this file"
    return f"an item of `{names[-1]}`" if isinstance(path[-1], int) else f"`{names[-1]}`"

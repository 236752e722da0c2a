"""A compiled mapping, ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from engine.compile.expressions import Doubt
from engine.compile.mapping.nodes import LetNode, Node, ObjectNode
from engine.compile.mapping.run import FieldFailed, Make, compile_node
from engine.core.errors import Failure
from engine.expr.env import Env
from engine.expr.shape import UNKNOWN, Shape

# Failures of the evaluator itself; every other reason (reference-missing, key-incomplete) tells people more.
_EVALUATION = frozenset({"expression-failed", "template-failed"})


@dataclass(frozen=True)
class CompiledMapping:
    """A mapping by name.

    input    schema `name@n` or format the data comes in
    adds     path -> schema of what the route must have added before
    output   schema of what it gives; empty when it declares none
    digest   changes exactly when what the mapping does may change
    tables   tables its expressions read
    made     what is known of the documents it makes
    doubts   what may be missing in documents of its input; reported where nothing rules it out
    params   parameters its expressions read; the route that uses it has to have them
    """

    name: str
    output: str
    root: Node
    input: str = ""
    adds: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    tables: frozenset[str] = frozenset()
    params: frozenset[str] = frozenset()
    made: Shape = UNKNOWN
    doubts: tuple[Doubt, ...] = ()

    @cached_property
    def _make(self) -> Make:
        return compile_node(self.root)

    def apply(self, data: Any, env: Env) -> Any:
        """The mapped document. Raises `missing-value`, `mapping-failed` or an expression's own, naming the field."""
        try:
            return self._make(data, env)
        except FieldFailed as failed:
            raise _named(failed.failure, self.name, _path(failed.path)) from None

    @property
    def slots(self) -> tuple[str, ...]:
        """Places regions may fill."""
        root = self.root.content if isinstance(self.root, LetNode) else self.root
        return root.slots if isinstance(root, ObjectNode) else ()


class NoMapping:
    """Stands in for a mapping that does not exist or has findings."""

    output = ""
    made = UNKNOWN

    def __init__(self, name: str) -> None:
        self.name = name

    def apply(self, data: Any, env: Env) -> Any:
        return data


def _path(path: list[str | int]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _named(failure: Failure, mapping: str, field_path: str) -> Failure:
    """The same failure, saying which field of which mapping it is about."""
    reason = "mapping-failed" if failure.reason in _EVALUATION else failure.reason
    detail = f"mapping `{mapping}`, field `{field_path}`: {failure.detail}"
    failure.reason, failure.detail = reason, detail
    failure.data = {**failure.data, "mapping": mapping, "field": field_path}
    failure.args = (f"{reason}: {detail}",)
    return failure

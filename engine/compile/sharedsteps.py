"""Shared steps in a route: they see parameters of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from inspect import isawaitable
from typing import Any

from engine.expr.env import Env
from engine.plugins.frame import Frame, Split
from engine.plugins.sequence import PlannedStep, Result, StepSequence


class ParamEnv:
    """An Env in which `param()` gives other values; everything else is the route's."""

    __slots__ = ("_params", "outer")

    def __init__(self, outer: Env, params: Mapping[str, Any]) -> None:
        self.outer = outer
        self._params = params

    def meta(self, name: str) -> Any:
        return self.outer.meta(name)

    def param(self, name: str) -> Any:
        return self._params[name]

    def secret(self, name: str, key: str = "") -> Any:
        return self.outer.secret(name, key)

    def lookup(self, table: str, key: Any, on: str = "") -> dict[str, Any]:
        return self.outer.lookup(table, key, on)

    def find(self, table: str, key: Any, on: str = "") -> dict[str, Any] | None:
        return self.outer.find(table, key, on)

    def now(self) -> int:
        return self.outer.now()

    def at(self, schema: str) -> Env:
        return ParamEnv(self.outer.at(schema), self._params)


class SharedSteps(StepSequence):
    """Steps of a `subflow`, run under their own parameters."""

    __slots__ = ("_params",)

    def __init__(self, steps: Sequence[PlannedStep], params: Mapping[str, Any]) -> None:
        super().__init__(steps)
        self._params = dict(params)

    def run(self, frame: Frame, start: int = 0) -> Result | Awaitable[Result]:
        frame.env = ParamEnv(frame.env, self._params)
        result: Result | Awaitable[Result] = None
        try:
            result = super().run(frame, start)
        finally:
            if not isawaitable(result):
                _leave(frame, result)
        return self._finish(frame, result) if isawaitable(result) else result

    @staticmethod
    async def _finish(frame: Frame, pending: Awaitable[Result]) -> Result:
        result: Result = None
        try:
            result = await pending
        finally:
            _leave(frame, result)
        return result


def _leave(frame: Frame, result: Result) -> None:
    """Give everything that goes on the route's parameters back."""
    for each in (frame, *(result.frames if isinstance(result, Split) else ())):
        if isinstance(each.env, ParamEnv):
            each.env = each.env.outer

"""A connector that is put together wrongly says so by itself: it is broken, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from engine import sdk
from engine.discover import discover, in_entry_points
from engine.expr.jmes import compile_expression
from engine.plugins.faults import faults
from engine.plugins.functions import functions_of
from engine.plugins.registry import Registry
from engine.plugins.spec import API
from tests.plugins.test_registry import Point


class Request(sdk.Options):
    document: Any


class Opened(sdk.Connection):
    class Config(sdk.Options):
        pass

    async def open(self) -> None: ...

    async def close(self) -> None: ...


class NoConfig(Opened):
    Config = dict  # type: ignore[assignment]


class NoClose(sdk.Connection):
    class Config(sdk.Options):
        pass

    async def open(self) -> None: ...


def made(actions: Any) -> type[sdk.Sink]:
    class Made(sdk.Sink):
        """Sends."""

        def __init__(self, connection: Any) -> None: ...

        async def deliver(self, batch: Sequence[sdk.SinkItem], ctx: sdk.ConnectorContext) -> list[sdk.SinkResult]:
            return []

    Made.actions = actions
    return sdk.sink("erp.acme")(Made)


GOOD = made({"post": sdk.Action(Request, "idempotency_key", body="document")})


@sdk.format("acme")
class NoDecode(sdk.Format):
    """Reads nothing."""

    class Config(sdk.Options):
        pass

    def __init__(self, config: Any) -> None: ...


@sdk.function("acme_label")
def acme_label(store: set[str]) -> str:
    """A label."""
    return str(store)


@sdk.function("money_sum")
def money_sum(items: list[Any]) -> int:
    """A sum."""
    return len(items)


@sdk.sink("erp.acme")
class NoSink:
    """Forgot its base."""

    actions: ClassVar = {}


WRONG: tuple[tuple[str, sdk.Connector], ...] = (
    ("carries no plugin declaration", sdk.Connector("erp.acme", (Opened,))),
    ("no tuple", sdk.Connector("erp.acme", GOOD)),  # type: ignore[arg-type]
    ("no nested `Config`", sdk.Connector("erp.acme", (GOOD,), NoConfig)),
    ("does not say how to `close`", sdk.Connector("erp.acme", (GOOD,), NoClose)),
    ("not a class made of engine.sdk.Connection", sdk.Connector("erp.acme", (GOOD,), Request)),
    ("another name than its connector", sdk.Connector("erp.other", (GOOD,))),
    ("names no action", sdk.Connector("erp.acme", (made({}),))),
    ("not an engine.sdk.Action", sdk.Connector("erp.acme", (made({"post": Request}),))),
    ("says how a repeat is kept", sdk.Connector("erp.acme", (made({"post": sdk.Action(Request)}),))),
    ("is no guarantee", sdk.Connector("erp.acme", (made({"post": sdk.Action(Request, "exactly_once")}),))),  # type: ignore[arg-type]
    ("how to `verify`", sdk.Connector("erp.acme", (made({"post": sdk.Action(Request, "verify")}),))),
    ("`body` names `doc`", sdk.Connector("erp.acme", (made({"post": sdk.Action(Request, "upsert", body="doc")}),))),
    ("`batch` is 0", sdk.Connector("erp.acme", (made({"post": sdk.Action(Request, "upsert", batch=0)}),))),
    ("no model made of", sdk.Connector("erp.acme", (made({"post": sdk.Action(dict, "upsert")}),))),  # type: ignore[type-var]
    ("does not say how to `decode`", sdk.Connector("erp.acme", (NoDecode,))),
    ("is not a type", sdk.Connector("erp.acme", (acme_label,))),
    ("the engine has a function of this name", sdk.Connector("erp.acme", (money_sum,))),
    ("not a class made of engine.sdk.Sink", sdk.Connector("erp.acme", (NoSink,))),
)


@pytest.mark.parametrize(("text", "connector"), WRONG, ids=[text for text, _ in WRONG])
def test_what_is_wrong_is_said(text: str, connector: sdk.Connector) -> None:
    found = faults(connector)
    assert len(found) == 1
    assert text in found[0]
    ((_, told),) = in_entry_points([Point("erp.acme", connector)])  # type: ignore[list-item]
    assert text in str(told)


def test_a_good_one_has_no_fault_and_no_shipped_one_has() -> None:
    assert faults(sdk.Connector("erp.acme", (GOOD,), Opened)) == []
    assert [text for connector in discover().connectors.values() for text in faults(connector)] == []


@sdk.function("acme_padded")
def acme_padded(store: sdk.Text, width: sdk.Number = 4) -> sdk.Text:
    """A store as Acme writes it.

    acme_padded('7') -> "0007"
    """
    if len(store) > width:
        raise sdk.Refused("the store has more digits than that")
    return store.rjust(int(width), "0")


def test_a_function_is_written_with_the_sdk_alone() -> None:
    connector = sdk.Connector("erp.acme", (acme_padded,))
    assert faults(connector) == []
    expr = compile_expression("acme_padded(store)", functions_of(Registry([connector])))
    assert expr.evaluate({"store": "7"}, None) == "0007"
    with pytest.raises(sdk.Permanent, match="the store has more digits than that"):
        expr.evaluate({"store": "12345"}, None)


def test_one_for_another_api_is_not_judged_by_the_rules_of_this_one() -> None:
    assert faults(sdk.Connector("erp.acme", (made({}),), api=API + 1)) == []

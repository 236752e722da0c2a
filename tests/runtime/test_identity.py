"""An identity is made of what is there: neither of nothing nor of an empty cell."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compile.plan import EventType
from engine.core.clock import SystemClock
from engine.core.errors import KeyIncomplete, Permanent
from engine.expr.functions import FunctionTable
from engine.expr.jmes import compile_expression
from engine.plugins.fields import KeyExpr
from engine.runtime.ingress.identity import identified
from tests.runtime.support import event


class AnyData:
    name = "sale.completed@2"

    def violations(self, data: Any, limit: int = 100) -> list[tuple[str, str]]:
        return []

    def filled(self, data: Any) -> Any:
        return data


def key(*texts: str) -> KeyExpr:
    table = FunctionTable.builtin()
    return KeyExpr(tuple(compile_expression(text, table) for text in texts))


@pytest.mark.parametrize("receipt", [None, "", "  "])
@pytest.mark.parametrize("part", ["key", "guard"])
def test_an_empty_text_is_refused_like_null(part: str, receipt: str | None) -> None:
    type_ = EventType("sale.completed", 2, AnyData(), **{part: key("store", "receipt")})  # type: ignore[arg-type]
    with pytest.raises(KeyIncomplete) as caught:
        identified(event(data={"store": "0012", "receipt": receipt}), type_, SystemClock())
    assert caught.value.reason == "key-incomplete" and caught.value.data == {"part": "receipt"}


@pytest.mark.parametrize("receipt", ["10\n01", "\t1001", "1001\x00", "1001\x7f", "1\x85"])
@pytest.mark.parametrize("use", ["key", "search"])
def test_a_key_with_control_characters_is_refused(use: str, receipt: str) -> None:
    keys: dict[str, Any] = {"key": key("store", "receipt")}
    if use == "search":
        keys = {"key": key("store"), "search": {"receipt": key("receipt").parts[0]}}
    type_ = EventType("sale.completed", 2, AnyData(), **keys)
    with pytest.raises(Permanent) as caught:
        identified(event(data={"store": "0012", "receipt": receipt}), type_, SystemClock())
    assert caught.value.reason == "control-character" and caught.value.data == {"part": "receipt"}
    assert receipt not in caught.value.detail and "`receipt`" in caught.value.detail


@pytest.mark.parametrize("receipt", ["Ångström 1", "می\u200cخواهم", "10 01", "1|2"])
def test_what_people_can_type_is_a_key_in_any_script(receipt: str) -> None:
    type_ = EventType("sale.completed", 2, AnyData(), key=key("store", "receipt"))
    assert identified(event(data={"store": "0012", "receipt": receipt}), type_, SystemClock()).event.subject


@pytest.mark.parametrize("receipt", [0, "0", False])
def test_what_is_there_is_taken(receipt: Any) -> None:
    type_ = EventType("sale.completed", 2, AnyData(), key=key("store", "receipt"))
    assert identified(event(data={"store": "0012", "receipt": receipt}), type_, SystemClock()).event.subject

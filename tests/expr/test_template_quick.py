"""Templates that need no Jinja: they print the same, and leave to Jinja what they cannot print."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine.core.errors import Permanent
from engine.expr.functions import FunctionTable
from engine.expr.limits import MAX_MADE_TEXT
from engine.expr.template import compile_template
from engine.expr.template_quick import quick_template
from tests.expr.support import ENV

DATA: dict[str, Any] = {
    "receipt_no": "1001",
    "store": {"id": "0012", "items": "shelf"},
    "lines": [{"sku": "A", "net": Decimal("1.50")}],
    "total": Decimal("1E+3"),
    "flag": False,
    "nothing": None,
}
QUICK = [
    ("", ""),
    ("Sale {{ receipt_no }} at {{ store.id }}\n", "Sale 1001 at 0012\n"),
    ("{{ lookup('stores', store.id).name }}", "Calle Mayor"),
    ("{{ store['items'] }} {{ lines[0].net }} {{ total }} {{ flag }}", "shelf 1.50 1000 false"),
    ("{{ 'a' }}{{ 2.50 }}{{ true }}{{ date('2026-01-02') }}", "a2.50true2026-01-02"),
    ("{{ money_sum(lines, 'net') }} {{ pad_left(receipt_no, 6, '0') }} {{ meta('day') }}", "1.50 001001 2026-03-14"),
]


def quick(text: str) -> Any:
    return quick_template(compile_template(text).tree, FunctionTable.builtin())


@pytest.mark.parametrize(("text", "printed"), QUICK)
def test_text_paths_and_calls_need_no_jinja(text: str, printed: str) -> None:
    assert quick(text)(DATA, ENV) == printed
    assert compile_template(text)._by_jinja(DATA, ENV) == printed


@pytest.mark.parametrize(
    "text",
    ["{{ store.id | upper }}", "{% if flag %}x{% endif %}", "{{ total + 1 }}", "{{ coalesce(nothing, 'x') }}",
     "{{ lines[flag] }}", "{{ lines[true] }}", "{{ receipt_no[0:2] }}", "{{ store.id }}" * 40],
)  # fmt: skip
def test_everything_else_is_for_jinja(text: str) -> None:
    assert quick(text) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{{ missing }}", "'missing' is undefined"),
        ("{{ store.name }}", "there is no `name`"),
        ("{{ receipt_no.x }}", "there is no `x`"),
        ("{{ lines[7] }}", "there is no `7`"),
        ("{{ nothing }}", "null"),
        ("{{ store }}", "an object has no text"),
        ("{{ upper(total) }}", "it must be text"),
    ],
)
def test_what_fails_says_what_jinja_says(text: str, says: str) -> None:
    assert quick(text)(DATA, ENV) is None
    with pytest.raises(Permanent, match="template-failed") as failure:
        compile_template(text).render(DATA, ENV)
    assert says in failure.value.detail


def test_a_miss_in_a_table_keeps_its_reason() -> None:
    with pytest.raises(Permanent) as failure:
        compile_template("{{ lookup('stores', 'nowhere').name }}").render(DATA, ENV)
    assert failure.value.reason == "reference-missing"


def test_a_long_text_is_still_refused() -> None:
    data = {"text": "x" * (MAX_MADE_TEXT // 2)}
    assert quick("{{ text }}{{ text }}")(data, ENV) is not None
    with pytest.raises(Permanent, match="template-limit"):
        compile_template("{{ text }}{{ text }}!").render(data, ENV)


def test_data_that_is_no_object_has_no_names() -> None:
    with pytest.raises(Permanent, match="template-failed"):
        compile_template("{{ receipt_no }}").render(["receipt_no"], ENV)

"""Attack rows X1 to X5 on templates: refused, and the worker goes on at once."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from engine.core.errors import Permanent
from engine.expr import guards
from engine.expr.errors import ExpressionError
from engine.expr.limits import MAX_MADE_TEXT
from engine.expr.template import compile_template
from tests.expr.support import ENV

SECONDS = 5.0  # of processor time: what else the machine does counts for nothing


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ ''|attr('__class__') }}",
        "{{ '{0.__class__}'.format(x) }}",
        "{{ lipsum.__globals__ }}",
        "{{ cycler.__init__ }}",
        "{{ joiner.__init__.__globals__ }}",
        "{{ namespace.__class__ }}",
        "{{ self.__init__ }}",
        "{{ x.__init__.__globals__['os'].popen('id').read() }}",
        "{{ lookup.__globals__ }}",
        "{{ 'a'.center(1000000000) }}",
        "{{ lipsum(n=10**7) }}",
        "{{ [].append(1) }}",
        "{{ 'A' * 10**9 }}",
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% for a in x %}" * 4 + "{% endfor %}" * 4,
        "{% set x = [[1]] %}",
        "{{ {'a': 1} }}",
        "{% extends 'x' %}",
        "{% call x() %}{% endcall %}",
        "{% filter upper %}a{% endfilter %}",
        "{{ 'x'" + "[0]" * 5_000 + " }}",
        "{{ " + "(" * 3_000 + "1" + ")" * 3_000 + " }}",
        "x" * (64 * 1024 + 1),
        "{{ x }}" * 5_000,
    ],
)
def test_refused_while_compiling(text: str) -> None:
    started = time.process_time()
    with pytest.raises(ExpressionError) as error:
        compile_template(text)
    assert error.value.code.startswith("TF25")
    assert time.process_time() - started < SECONDS


HOSTILE: dict[str, Any] = {
    "qty": 10**9,
    "text": "x" * 1_000,
    "items": list(range(400)),
    "many": list(range(200_000)),
    "amount": Decimal("1e40"),
    "cls": "__class__",
}


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'x' * qty }}",
        "{{ 'A' * 1000000000 }}",
        "{{ text * qty }}",
        "{{ items * qty }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%s' % text }}",
        "{{ pad_left('x', qty) }}",
        "{{ text | pad_left(qty) }}",
        "{{ range(qty) | join }}",
        "{% for i in range(qty) %}{% endfor %}",
        "{% for i in many %}{{ text }}{% endfor %}",
        "{% for a in items %}{% for b in items %}{% for c in items %}{% endfor %}{% endfor %}{% endfor %}",
        "{{ text | replace('x', text) }}",
        "{% set a = text ~ text %}{% set a = a ~ a %}{% set a = a ~ a %}" + "{% set a = a ~ a %}" * 30 + "{{ a }}",
        "{% set a = text + text %}" + "{% set a = a + a %}" * 30 + "{{ a }}",
        "{% set n = qty %}" + "{% set n = n * n %}" * 30 + "{{ n }}",
        "{% set n = amount %}" + "{% set n = n * n %}" * 30 + "{{ n }}",
        "{{ many | join(text) }}",
        "{{ text[cls] }}",
        "{{ items[cls] }}",
        "{{ qty[cls] }}",
        "{{ many | tojson }}",
    ],
)
def test_refused_while_rendering_and_the_next_one_works(text: str) -> None:
    template = compile_template(text)
    started = time.process_time()
    with pytest.raises(Permanent) as failure:
        template.render(HOSTILE, ENV)
    assert failure.value.reason in ("template-failed", "template-limit")
    assert time.process_time() - started < SECONDS
    assert compile_template("{{ qty }}").render(HOSTILE, ENV) == "1000000000"


PAYLOADS = [
    "{{ ''.__class__.__mro__ }}", "{% for x in range(10**9) %}x{% endfor %}", "{{ 7 * 7 }}", "{# gone #}", "{% raw %}",
    "'{0.__class__}'.format(x)", "lipsum.__globals__", "${secret.k}", "`true`", "lookup('stores', '0012')", "%s%n",
    "\x00\ud800",
]  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_data_is_printed_as_it_is(payload: str) -> None:
    assert (
        compile_template("<{{ a }}|{{ b.c }}>").render({"a": payload, "b": {"c": payload}}, ENV)
        == f"<{payload}|{payload}>"
    )


@pytest.mark.parametrize(
    "name", ["tillflow__rounds", "tillflow__call__upper", "self", "range", "loop", "environment", "context"]
)
def test_names_of_the_data_cannot_take_the_place_of_guards(name: str) -> None:
    text = "{% for l in lines %}{{ upper(l) }}{% endfor %}{{ range(2) | join }}"
    assert compile_template(text).render({name: "taken", "lines": ["a", "b"]}, ENV) == "AB01"


def test_output_is_capped() -> None:
    template = compile_template("{% for i in items %}{{ text }}{% endfor %}")
    assert len(template.render({"items": list(range(200)), "text": "x" * 1_000}, ENV)) == 200_000
    with pytest.raises(Permanent) as failure:
        template.render({"items": list(range(300)), "text": "x" * 1_000}, ENV)
    assert failure.value.reason == "template-limit" and str(MAX_MADE_TEXT // 1024) in failure.value.detail


def test_time_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    ticking = iter(range(10_000))
    monkeypatch.setattr(guards.time, "monotonic", lambda: float(next(ticking)))
    template = compile_template("{% for a in items %}{% for b in items %}{% endfor %}{% endfor %}")
    with pytest.raises(Permanent, match="takes more than 1 s") as failure:
        template.render({"items": list(range(100))}, ENV)
    assert failure.value.reason == "template-limit"


def test_rounds_are_counted_for_each_rendering_by_itself() -> None:
    template = compile_template("{% for i in items %}{% endfor %}")
    for _ in range(5):
        assert template.render({"items": list(range(30_000))}, ENV) == ""

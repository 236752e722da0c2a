"""A secret may be asked about and used; what an expression or template gives never holds one."""

from __future__ import annotations

from typing import Any

import pytest

from engine.expr.functions import FunctionTable
from engine.expr.jmes import compile_expression
from engine.expr.secrecy import secret_error
from engine.expr.shape import UNKNOWN
from engine.expr.template import check_template, compile_template
from engine.expr.types import Anything, SecretName, Text


def signed(key: Anything, value: Text) -> Text:
    """A signature made with a key."""
    return f"signed {value}"


def sealed(name: SecretName, value: Text) -> Text:
    """A signature made with the secret of that name."""
    return f"sealed {value}"


def handed(value: Anything) -> Anything:
    """The value as it is."""
    return value


TABLE = FunctionTable.builtin().extended({"signed": signed, "sealed": sealed, "handed": handed})


def giving(text: str) -> str:
    """What of the expression gives a secret; empty for none."""
    found = compile_expression(text, TABLE).secret
    if found is None:
        return ""
    error = secret_error(found)
    return text[error.offset : error.offset + error.length]


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{} || 'none'",
        "store && {}",
        "[store, {}]",
        "{{key: {}}}",
        "{{key: {}}} | key",
        "[{}] | [0]",
        "lines[].{{sku: sku, key: {}}}",
        "lines[?sku == 'A'].[{}]",
        "coalesce(store, {})",
        "if(present(store), {}, 'none')",
        "join('', ['Bearer ', {}])",
        "concat('Bearer ', {})",
        "upper({})",
        "to_string({})",
        "to_array({})",
        "merge({{a: 'x'}}, {{b: {}}})",
        "map(&{}, lines)",
        "handed({})",
        "signed('key', {})",
        "max([{}])",
    ],
)
def test_a_secret_that_may_come_out_is_found_where_it_is_named(text: str) -> None:
    assert giving(text.format("secret('pepper')")) == "secret('pepper')"


@pytest.mark.parametrize(
    "text",
    [
        "secret('a') == secret('b')",
        "!secret('a')",
        "present(secret('a'))",
        "present(secret('a')) && store",
        "if(present(secret('a')), 'with', 'without')",
        "lines[?sku == secret('a')].sku",
        "some(lines, &sku == secret('a'))",
        "length(secret('a'))",
        "signed(secret('a'), store)",
        "uuid_of(secret('a'))",
        "sealed('a', store)",
        "param('a')",
        "'secret(x)'",
    ],
)
def test_a_secret_that_is_only_used_stays_allowed(text: str) -> None:
    assert giving(text) == ""


def test_a_secret_whose_name_is_computed_is_one_too() -> None:
    found = compile_expression("secret(param('which'))").secret
    assert found is not None
    assert secret_error(found).message == "a secret would become part of the data, which is written down"


def printed(text: str) -> list[tuple[str, str]]:
    """(code, what is pointed at) of everything wrong with a template."""
    errors: list[Any] = check_template(compile_template(text, TABLE), UNKNOWN)
    return [(error.code, text[error.offset : error.offset + error.length]) for error in errors]


@pytest.mark.parametrize(
    "text",
    [
        "{{ secret('a') }}",
        "Bearer {{ secret('a') | default('x') }}",
        "{{ handed(secret('a')) }}",
        "{{ upper(secret('a')) }}",
        "{% if present(store) %}{{ secret('a') }}{% endif %}",
        "{{ secret('a') if present(store) else 'none' }}",
        "{% set key = secret('a') %}{{ key }}",
        "{{ 'x' ~ secret('a') }}",
        "{% for one in [secret('a')] %}{{ one }}{% endfor %}",
    ],
)
def test_a_template_that_may_print_a_secret_is_refused(text: str) -> None:
    assert printed(text) == [("TF2045", "secret")]


@pytest.mark.parametrize(
    "text",
    [
        "{% if present(secret('a')) %}yes{% endif %}",
        "{{ 'yes' if secret('a') == secret('b') else 'no' }}",
        "{{ present(secret('a')) }}",
        "{{ signed(secret('a'), store) }}",
        "{{ sealed('a', store) }}",
        "{{ secret('a') is none }}",
    ],
)
def test_a_template_may_ask_about_a_secret(text: str) -> None:
    assert printed(text) == []

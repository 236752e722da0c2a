"""The pages of the codes: every code that is used has one, and its examples are what it says they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.core.codes import expressions, templates
from engine.core.findings import Code
from engine.expr.errors import ExpressionError
from engine.expr.jmes import compile_expression
from engine.expr.secrecy import secret_error
from engine.expr.shape import Shape, check_expression
from engine.expr.template import check_template, compile_template
from tests.expr.support import SALE

PAGES = {page.code: page for page in (*expressions.CODES, *templates.CODES)}
# Where the examples of the pages stand: a sale with a few names more.
SHAPE = SALE.with_path(("pattern",), Shape.of("text")).with_path(("net",), Shape.of("number"))
# What is too long, too deep or no expression by itself cannot be shown on a page.
NOT_SHOWN = {"TF2008", "TF2009", "TF2502"}


def test_every_code_that_is_used_has_a_page_and_the_other_way_round(project_root: Path) -> None:
    used = set()
    for file in (project_root / "engine" / "expr").rglob("*.py"):
        used |= set(re.findall(r'"(TF2\d{3})"', file.read_text()))
    assert used == set(PAGES)


def codes(example: str) -> list[str]:
    """The codes of one line of YAML with expressions or templates in it."""
    key, value = next(iter(yaml.safe_load(example).items()))
    place: Any = {"when": "condition", "that": "condition", "key": "key"}.get(key, "value")
    found: list[str] = []
    for text, kind in texts(value):
        where = "optional" if kind == "optional" else place
        try:
            if kind == "template" or key == "template":
                found += [e.code for e in check_template(compile_template(text), SHAPE)]
            else:
                compiled = compile_expression(text)
                found += [e.code for e in check_expression(compiled, SHAPE, where)]
                if compiled.secret is not None and where != "condition":
                    found.append(secret_error(compiled.secret).code)
        except ExpressionError as error:
            found.append(error.code)
    return found


def texts(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list):
        return [pair for item in value for pair in texts(item)]
    if isinstance(value, dict):
        if "expr" in value:
            return [(value["expr"], "optional" if value.get("optional") else "value")]
        return [(str(text), "value") for text in value.values()]
    return [(str(value), "value")]


@pytest.mark.parametrize(
    "page", [page for code, page in PAGES.items() if code not in NOT_SHOWN], ids=lambda page: page.code
)
def test_the_wrong_example_gives_the_code_and_the_right_one_nothing(page: Code) -> None:
    assert page.code in codes(page.wrong)
    assert codes(page.right) == []


@pytest.mark.parametrize("page", PAGES.values(), ids=lambda page: page.code)
def test_a_page_is_complete(page: Code) -> None:
    assert page.title and page.why.endswith(".") and page.wrong and page.right

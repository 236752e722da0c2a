"""The official JMESPath compliance suite, whole."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import Permanent
from engine.expr.errors import ExpressionError
from engine.expr.jmes import compile_expression

CASES = 908

# What the suite calls an error, by the finding code that says it before anything runs.
SYNTAX = {"TF2001", "TF2002", "TF2003", "TF2004", "TF2005", "TF2007"}
CODES = {"TF2010": "unknown-function", "TF2011": "invalid-arity", "TF2012": "invalid-type", "TF2015": "invalid-value"}


def outcome(expression: str, given: Any) -> tuple[str, Any]:
    """("result", value) or ("error", the suite's word for it)."""
    try:
        return "result", compile_expression(expression, strict=False)(given, None)  # type: ignore[arg-type]
    except ExpressionError as error:
        return "error", "syntax" if error.code in SYNTAX else CODES[error.code]
    except Permanent as failure:
        return "error", failure.data["error"]


def cases(shared: Path) -> list[tuple[str, Any, dict[str, Any]]]:
    found = []
    for file in sorted((shared / "jmespath-compliance").glob("*.json")):
        for group in json.loads(file.read_text(), parse_float=Decimal):
            found += [(file.stem, group["given"], case) for case in group["cases"]]
    return found


def test_every_case_of_the_suite(shared: Path) -> None:
    wrong = []
    kinds: Counter[str] = Counter()
    for file, given, case in cases(shared):
        kind, value = outcome(case["expression"], given)
        kinds["bench" if "bench" in case else kind] += 1
        if "bench" in case:
            expected = ("result", value)
        else:
            expected = ("error", case["error"]) if "error" in case else ("result", case["result"])
        if (kind, value) != expected:
            wrong.append(f"{file}: {case['expression']!r}: expected {expected}, got {(kind, value)}")
    assert not wrong, "\n".join(wrong)
    assert sum(kinds.values()) == CASES
    assert kinds["error"] > 100


def test_results_hold_no_float(shared: Path) -> None:
    results = 0
    for _, given, case in cases(shared):
        kind, value = outcome(case["expression"], given)
        if kind == "result":
            results += 1
            assert not list(floats(value)), case["expression"]
    assert results > CASES // 2
    assert list(floats({"a": [1, {"b": 1.5}]})) == [1.5]


def floats(value: Any) -> Any:
    if isinstance(value, float):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from floats(item)


@pytest.mark.parametrize("expression", ["f(a b)", "length(a,)", "length(,a)", "(length)(a)"])
def test_what_jmespath_lets_pass_and_we_do_not(expression: str) -> None:
    assert outcome(expression, {})[1] == "syntax"

"""`tillflow fmt`: the layout changes, nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from engine.config.fmt import format_text
from engine.config.fmtlines import comments_of
from engine.config.yaml import read_text


def data(text: str) -> Any:
    document, findings = read_text("", text)
    assert document is not None and findings == []
    return document.data


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a:   1\n", "a: 1\n"),
        ("a: 1   \n\n\n\nb: 2", "a: 1\n\nb: 2\n"),
        ("\n\na: 1\n\n\n", "a: 1\n"),
        ("a: 1\r\nb: 2\r\n", "a: 1\nb: 2\n"),
        ("\ufeffa: 1\n", "a: 1\n"),
        ("a:\n    b: 1\n    c:\n        d: 2\n", "a:\n  b: 1\n  c:\n    d: 2\n"),
        ("a:\n- b\n-   c: 1\n    d: 2\n", "a:\n  - b\n  - c: 1\n    d: 2\n"),
        ("a: { b: [ 1,2 ,3 ] , c : d }\n", "a: {b: [1, 2, 3], c: d}\n"),
        ("a: 'x'\nb: 'say \"x\"'\nc: 'a\\b'\nd: 'it''s'\n", 'a: "x"\nb: \'say "x"\'\nc: \'a\\b\'\nd: "it\'s"\n'),
        ("a: 1 # note\nbb: 2   # note\n", "a: 1 # note\nbb: 2   # note\n"),
        ("a:\n    # about b\n    b: 1\n# end\n", "a:\n  # about b\n  b: 1\n# end\n"),
        ("a:\n    b: |\n        x\n          y\n    c: 1\n", "a:\n  b: |\n      x\n        y\n  c: 1\n"),
        ("stores:   {a: 1}\nproducts: {a: 1}\n", "stores:   {a: 1}\nproducts: {a: 1}\n"),
        ("stores:    {a: 1}\nproducts: {a: 1}\n", "stores: {a: 1}\nproducts: {a: 1}\n"),
        ("a: &x {b: 1}\nc: *x\n", "a: &x {b: 1}\nc: *x\n"),
        ("-  - 1\n   - 2\n", "-  - 1\n   - 2\n"),
    ],
)
def test_layout(before: str, after: str) -> None:
    assert format_text(before) == after
    assert format_text(after) == after


@pytest.mark.parametrize("broken", ["a: [1\n", "a: 1\na: 2\n", "", "# only\n", "a:\n\tb: 1\n"])
def test_a_file_that_cannot_be_read_stays_as_it_is(broken: str) -> None:
    assert format_text(broken) == broken


def test_the_examples_are_canonical(shared: Path) -> None:
    for path in sorted((shared / "examples").rglob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        assert format_text(text) == text, path.name


_word = st.text("abc xyz:#'\"-,[]{}|>\\%@!&*?é", max_size=14)
_scalar = _word | st.integers(-9, 99) | st.booleans() | st.none()
_values = st.recursive(
    _scalar,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abcde", min_size=1, max_size=4), inner, max_size=3)
    ),
)
_documents = st.dictionaries(st.text("abcde", min_size=1, max_size=5), _values, min_size=1, max_size=4)


@given(
    _documents,
    st.sampled_from([None, True, False]),
    st.sampled_from([2, 3, 5]),
    st.sampled_from([None, "'", '"']),
    st.data(),
)
def test_data_comments_and_key_order_survive_and_a_second_run_changes_nothing(
    value: dict[str, Any], flow: bool | None, indent: int, style: str | None, draw: Any
) -> None:
    text = pyyaml.safe_dump(
        value,
        default_flow_style=flow,
        indent=indent,
        default_style=style,
        width=30,
        sort_keys=False,
        allow_unicode=True,
    )
    text = _with_noise(text, draw)
    document, findings = read_text("", text)
    if document is None or findings:
        assert format_text(text) == text
        return
    after = format_text(text)
    assert repr(data(after)) == repr(document.data)
    assert comments_of(after) == comments_of(text)
    assert format_text(after) == after


def _with_noise(text: str, draw: Any) -> str:
    """Blank lines, comments and spaces at line ends, wherever they may be."""
    lines = []
    for line in text.split("\n"):
        kind = draw.draw(st.integers(0, 9))
        lines.append(line + (" " * 3 if kind == 0 else "   # note" if kind == 1 and line else ""))
        if kind == 2:
            lines += ["", "", ""]
        if kind == 3:
            lines.append("    # a comment")
    return "\n".join(lines)

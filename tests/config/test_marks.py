"""Positions of keys, values, and of characters inside values."""

from __future__ import annotations

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from engine.config.document import Document
from engine.config.yaml import read_text

TEXT = """\
# first
tillflow: 1
from: {event: sale@1}
steps:
  - id: a
    when: is_true(x)
  -
    id: b
empty:
"""


def read(text: str) -> Document:
    document, findings = read_text("f.yaml", text)
    assert document is not None and findings == []
    return document


def place(document: Document, *path: str | int, key: bool = False) -> tuple[int, int, int]:
    mark = document.marks.key(path) if key else document.marks.value(path)
    return mark.line, mark.column, mark.end_column


def test_keys_and_values_are_where_they_are_written() -> None:
    document = read(TEXT)
    assert place(document, "tillflow", key=True) == (2, 1, 9)
    assert place(document, "tillflow") == (2, 11, 12)
    assert place(document, "from") == (3, 7, 22)
    assert place(document, "from", "event", key=True) == (3, 8, 13)
    assert place(document, "steps", 0, "when") == (6, 11, 21)
    assert place(document, "steps", 1, "id") == (8, 9, 10)


def test_an_item_starts_at_its_first_key() -> None:
    document = read(TEXT)
    assert place(document, "steps", 0, key=True) == (5, 5, 7)
    assert place(document, "steps", 1, key=True) == (8, 5, 7)


def test_what_is_not_in_the_file_is_told_at_the_nearest_parent() -> None:
    document = read(TEXT)
    assert place(document, "steps", 0, "missing", "deeper", key=True) == (5, 5, 7)
    assert place(document, "from", "use") == place(document, "from", key=True)
    assert place(document, "nothing", key=True) == (2, 1, 9)
    assert place(document) == (2, 1, 9)


def test_an_empty_value_is_told_at_its_key() -> None:
    assert place(read(TEXT), "empty") == (9, 1, 6)


@pytest.mark.parametrize(
    ("text", "word", "line", "column"),
    [
        ("a: is_true(x)\n", "x", 1, 12),
        ("a: 'it''s (x)'\n", "x", 1, 12),
        ('a: "say \\"hi\\" x"\n', "x", 1, 16),
        ('a: "\\u00e4 x"\n', "x", 1, 12),
        ('a: "one \\\n    two x"\n', "x", 2, 9),
        ("a: one\n  two\n\n  x\n", "x", 4, 3),
        ("a: 'one\n\n   two x'\n", "x", 3, 8),
        ("a: |\n  one\n    two x\n", "x", 3, 9),
        ("a: >-\n  one\n  two\n\n  x\n", "x", 5, 3),
        ("b:\n  - |2\n      one\n     x\n", "x", 4, 6),
    ],
)
def test_a_character_of_a_value_is_found_through_every_style(text: str, word: str, line: int, column: int) -> None:
    document = read(text)
    path = ("a",) if "a" in document.data else ("b", 0)
    value = document.at(path)
    mark = document.marks.inside(path, value.index(word))
    assert (mark.line, mark.column) == (line, column)


def test_a_place_behind_the_end_is_told_after_the_last_character() -> None:
    mark = read("a: abc\n").marks.inside(("a",), 3)
    assert (mark.line, mark.column) == (1, 7)


def test_inside_something_that_is_no_text_is_the_value_itself() -> None:
    document = read("a: [1, 2]\n")
    assert document.marks.inside(("a",), 1) == document.marks.value(("a",))


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Co", "Cn")), min_size=1, max_size=60
    ),
    st.sampled_from(["'", '"', "|", ">"]),
    st.integers(8, 40),
)
def test_every_letter_is_mapped_to_the_same_letter(value: str, style: str, width: int) -> None:
    text = pyyaml.dump({"k": {"v": value}}, default_style=style, width=width, allow_unicode=True)
    document, findings = read_text("f.yaml", text)
    if document is None or findings or document.data != {"k": {"v": value}}:
        return
    lines = text.split("\n")
    for offset, char in enumerate(value):
        mark = document.marks.inside(("k", "v"), offset)
        written = lines[mark.line - 1][mark.column - 1 : mark.column]
        assert written == char or written == "\\" or char.isspace()

"""Laying out the lines of a YAML file by its tokens. `engine.config.fmt` checks that nothing but the layout changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import yaml as pyyaml

_OPEN: Final = (pyyaml.FlowMappingStartToken, pyyaml.FlowSequenceStartToken)
_CLOSE: Final = (pyyaml.FlowMappingEndToken, pyyaml.FlowSequenceEndToken)
_STEP: Final = 2


@dataclass
class _Block:
    """A block mapping or list: its column in the file and the canonical one. `implied`: a list at its key's column."""

    column: int
    indent: int
    is_list: bool
    implied: bool = False


class _Layout:
    """What the tokens say about each line: its canonical indentation, its tokens, whether a scalar goes on in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: dict[int, list[Any]] = {}
        self.indent: dict[int, int] = {}
        self.shift: dict[int, int] = {}
        self.inside: set[int] = set()
        self._stack: list[_Block] = []
        self._flow = 0
        for token in pyyaml.scan(text, Loader=pyyaml.CLoader):
            self._token(token)

    def _token(self, token: Any) -> None:
        line = token.start_mark.line
        if not self._flow:
            self._structure(token)
        if isinstance(token, _OPEN):
            self._flow += 1
        elif isinstance(token, _CLOSE):
            self._flow -= 1
        if token.start_mark.index < token.end_mark.index:
            self.tokens.setdefault(line, []).append(token)
            last = token.end_mark.line - (1 if token.end_mark.column == 0 and token.end_mark.line > line else 0)
            self.inside.update(range(line + 1, last + 1))
        top = self._stack[-1] if self._stack else _Block(0, 0, False)
        self.shift[line] = top.indent - top.column

    def _structure(self, token: Any) -> None:
        line, column = token.start_mark.line, token.start_mark.column
        if isinstance(token, pyyaml.BlockMappingStartToken | pyyaml.BlockSequenceStartToken):
            self._push(column, isinstance(token, pyyaml.BlockSequenceStartToken))
        elif isinstance(token, pyyaml.BlockEntryToken):
            if not (self._stack and self._stack[-1].is_list):
                self._push(column, True, implied=True)
            self.indent.setdefault(line, self._stack[-1].indent)
        elif isinstance(token, pyyaml.KeyToken):
            self._drop_implied()
            if self._stack:
                self.indent.setdefault(line, self._stack[-1].indent)
        elif isinstance(token, pyyaml.BlockEndToken):
            self._drop_implied()
            self._stack.pop()

    def _push(self, column: int, is_list: bool, implied: bool = False) -> None:
        indent = self._stack[-1].indent + _STEP if self._stack else 0
        self._stack.append(_Block(column, indent, is_list, implied))

    def _drop_implied(self) -> None:
        while self._stack and self._stack[-1].implied:
            self._stack.pop()


def laid_out(text: str) -> str:
    """The text in canonical layout, one line for each line; blank lines are merged."""
    layout = _Layout(text)
    lines = text.split("\n")
    result: list[str] = []
    shift = 0
    for number, line in enumerate(lines):
        if number in layout.inside:
            result.append(_moved(line, shift))
        elif number in layout.tokens:
            result.append(_code(layout, number, line, shift))
        else:
            result.append(_comment(layout, lines, number, shift))
        shift = layout.shift.get(number, shift)
    return _blank_lines_merged(result, layout.inside)


def _moved(line: str, shift: int) -> str:
    """A line inside a scalar: its own indentation is content, so it moves as a whole."""
    if not line.strip(" "):
        return line if shift >= 0 else line[min(-shift, len(line)) :]
    space = len(line) - len(line.lstrip(" "))
    return " " * max(0, space + shift) + line[space:]


def _code(layout: _Layout, number: int, line: str, shift: int) -> str:
    tokens = layout.tokens[number]
    old = len(line) - len(line.lstrip(" \t"))
    indent = layout.indent.get(number, max(0, old + shift))
    made = " " * indent
    previous: Any = None
    for token in tokens:
        if previous is not None:
            kept = _in_column(layout, number, token)
            made += _raw_gap(previous, token) if kept else _gap(layout.text, previous, token)
        made += _written(layout.text, token)
        previous = token
        if token.end_mark.line > number:
            return made.rstrip() if not isinstance(token, pyyaml.ScalarToken) else made
    rest = line[previous.end_mark.column :].strip()
    if not rest:
        return made
    column = line.index("#", previous.end_mark.column)
    return made + " " * max(1 if column <= len(made) else column - len(made), 1) + rest


def _written(text: str, token: Any) -> str:
    written: str = text[token.start_mark.index : token.end_mark.index]
    if isinstance(token, pyyaml.ScalarToken) and token.style in ("|", ">"):
        return written.split("\n", 1)[0].rstrip()
    if "\n" in written:
        return written.split("\n", 1)[0].rstrip(" ")
    if isinstance(token, pyyaml.ScalarToken) and token.style == "'" and not set('"\\') & set(token.value):
        return f'"{token.value}"'
    return written


def _in_column(layout: _Layout, number: int, token: Any) -> bool:
    """True for the first value of a line that stands in one column with the value of a neighbouring line."""
    place = _value_place(layout, number)
    return (
        place is not None
        and place[1] == token.start_mark.column
        and any(_value_place(layout, near) == place for near in (number - 1, number + 1))
    )


def _value_place(layout: _Layout, number: int) -> tuple[int, int] | None:
    """(column of the key, column of the value) of a line `key: value`."""
    tokens = layout.tokens.get(number, [])
    if number in layout.inside or len(tokens) < 3 or not isinstance(tokens[1], pyyaml.ValueToken):
        return None
    return tokens[0].start_mark.column, tokens[2].start_mark.column


def _raw_gap(left: Any, right: Any) -> str:
    width: int = right.start_mark.column - left.end_mark.column
    return " " * width


def _gap(text: str, left: Any, right: Any) -> str:
    """What stands between two tokens of one line."""
    gap = text[left.end_mark.index : right.start_mark.index]
    if isinstance(right, pyyaml.ValueToken):
        return " " if isinstance(left, pyyaml.AliasToken | pyyaml.FlowEntryToken) else ""
    if isinstance(left, pyyaml.ValueToken | pyyaml.BlockEntryToken | pyyaml.KeyToken):
        return " "
    if isinstance(left, pyyaml.AnchorToken | pyyaml.TagToken):
        return " "
    if isinstance(left, _OPEN) or isinstance(right, (*_CLOSE, pyyaml.FlowEntryToken)):
        return ""
    if isinstance(left, pyyaml.FlowEntryToken):
        return " "
    return gap


def _comment(layout: _Layout, lines: list[str], number: int, shift: int) -> str:
    """A comment belongs to the line below when it stands at its column, else to what stands above."""
    line = lines[number].strip()
    if not line.startswith("#"):
        return line
    column = len(lines[number]) - len(lines[number].lstrip(" \t"))
    for below in range(number + 1, len(lines)):
        if below in layout.indent:
            if len(lines[below]) - len(lines[below].lstrip(" ")) == column:
                return " " * layout.indent[below] + line
            break
    return " " * max(0, column + shift) + line


def _blank_lines_merged(lines: list[str], kept: set[int]) -> str:
    result: list[str] = []
    for number, line in enumerate(lines):
        blank = not line and number not in kept
        if blank and (not result or not result[-1]):
            continue
        result.append(line)
    while result and not result[-1].strip() and len(result) - 1 not in kept:
        result.pop()
    return "\n".join(result).rstrip("\n") + "\n"


def without_trailing_space(text: str) -> str:
    """Only white space at the ends of lines that are no part of a scalar is taken away, and the last line is ended."""
    layout = _Layout(text)
    lines = text.split("\n")
    kept = [line if number in layout.inside else _cleaned(layout, number, line) for number, line in enumerate(lines)]
    return "\n".join(kept).rstrip("\n") + "\n"


def _cleaned(layout: _Layout, number: int, line: str) -> str:
    goes_on = number + 1 in layout.inside
    return line if goes_on else line.rstrip(" \t")


def comments_of(text: str) -> list[str]:
    """Every comment, in order."""
    layout = _Layout(text)
    found = []
    for number, line in enumerate(text.split("\n")):
        if number in layout.inside and number not in layout.tokens:
            continue
        ends = [t.end_mark.column for t in layout.tokens.get(number, []) if t.end_mark.line == number]
        rest = line[max(ends, default=0) :].strip()
        if rest.startswith("#"):
            found.append(rest)
    return found

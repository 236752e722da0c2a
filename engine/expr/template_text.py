"""Text of a template -> Jinja's syntax tree, with the place of every name, and exact numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import Lexer, Token
from jinja2.parser import Parser

from engine.core.errors import Failure
from engine.core.jsonx import MAX_DIGITS
from engine.core.jsonx import parse as parse_json
from engine.expr.errors import ExpressionError, Where

MAX_TEMPLATE = 64 * 1024
_POSITION = re.compile(r"^unexpected char .* at (\d+)$", re.DOTALL)


class Placed(str):
    """A name or text out of a template that knows where it stands."""

    __slots__ = ("offset", "width")
    offset: int
    width: int

    @classmethod
    def at(cls, text: str, offset: int, width: int) -> Placed:
        placed = cls(text)
        placed.offset, placed.width = offset, width
        return placed


class WrittenNumber(float):
    """A decimal number of a template, with the digits it was written with."""

    __slots__ = ("text",)
    text: str


def _held(number: str, offset: int, length: int) -> str:
    """The number, if an event could hold it. Raises ExpressionError TF2501."""
    try:
        parse_json(number)
    except Failure as failure:
        raise ExpressionError("TF2501", failure.detail, offset=offset, length=length) from None
    return number


class PlacingLexer(Lexer):
    """Jinja's lexer; the texts of its tokens are Placed."""

    def wrap(
        self, stream: Iterable[tuple[int, str, str]], name: str | None = None, filename: str | None = None
    ) -> Iterator[Token]:
        place = [0, 0]
        for token in super().wrap(self._placing(stream, place), name, filename):
            value: Any = token.value
            if isinstance(value, str):
                value = Placed.at(value, place[0], place[1])
            elif isinstance(value, float):
                written = WrittenNumber(value)
                written.text = _held(self._source[place[0] : place[0] + place[1]].replace("_", ""), *place)
                value = written
            yield Token(token.lineno, token.type, value)

    def tokenize(
        self, source: str, name: str | None = None, filename: str | None = None, state: str | None = None
    ) -> Any:
        self._source = source
        return super().tokenize(source, name, filename, state)

    def _placing(self, stream: Iterable[tuple[int, str, str]], place: list[int]) -> Iterator[tuple[int, str, str]]:
        """Keeps in `place` where the token at hand stands: they come in order, only white space is left out between."""
        at = 0
        for line, kind, text in stream:
            found = self._source.find(text, at)
            if found >= 0:
                place[:] = [found, len(text)]
                at = found + len(text)
            yield line, kind, text


class PlacingParser(Parser):
    """Jinja's parser joins the texts of neighbouring literals, which forgets where they stood."""

    def parse_primary(self, *args: Any, **named: Any) -> nodes.Expr:
        token = self.stream.current
        node = super().parse_primary(*args, **named)
        if token.type == "string" and isinstance(node, nodes.Const) and isinstance(token.value, Placed):
            node.value = Placed.at(node.value, token.value.offset, token.value.width)
        return node


def read_template(environment: Environment, text: str) -> nodes.Template:
    """The tree of a template. Raises ExpressionError TF2501, TF2502."""
    if len(text) > MAX_TEMPLATE:
        raise ExpressionError("TF2502", f"the template is longer than {MAX_TEMPLATE // 1024} KiB", length=0)
    parser: PlacingParser | None = None
    try:
        parser = PlacingParser(environment, text)
        return parser.parse()
    except TemplateSyntaxError as error:
        offset, length = _where(text, parser, error)
        said = error.message or "it cannot be read"
        raise ExpressionError(
            "TF2501", f"the template is not valid: {said}", offset=offset, length=length, help=_advice(text)
        ) from None
    except ValueError:  # Python reads no number of so many digits
        raise ExpressionError("TF2501", f"a number has more than {MAX_DIGITS} digits", length=0) from None


def _advice(text: str) -> str:
    """What to close, where an opening has no end of its kind."""
    for start, end in (("{{", "}}"), ("{%", "%}")):
        for piece in text.split(start)[1:]:
            if end not in piece:
                return f"close `{start}` with `{end}`"
    return ""


def _where(text: str, parser: PlacingParser | None, error: TemplateSyntaxError) -> tuple[int, int]:
    said = _POSITION.search(error.message or "")
    if said:
        return int(said[1]), 1
    if parser is not None:
        value = parser.stream.current.value
        if isinstance(value, Placed):
            return value.offset, max(1, value.width)
        return max(0, len(text.rstrip()) - 1), 1
    before = text.split("\n")[: error.lineno - 1]
    return sum(len(line) + 1 for line in before), 1


def place(name: str) -> Where:
    """Where a name stands."""
    if isinstance(name, Placed):
        return Where(offset=name.offset, length=max(1, name.width))
    return Where(offset=0, length=0)

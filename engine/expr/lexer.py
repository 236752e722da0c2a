"""jmespath's lexer with exact numbers in literals and exact ends of tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from jmespath.exceptions import LexerError
from jmespath.lexer import Lexer

from engine.core.errors import Failure
from engine.core.jsonx import parse

Token = dict[str, Any]

_DELIMITED = ("literal", "quoted_identifier")
_WIDTHS = {"eq": 2, "ne": 2, "lte": 2, "gte": 2, "or": 2, "and": 2, "lt": 1, "gt": 1, "not": 1, "pipe": 1, "expref": 1}


class BadLiteral(LexerError):
    """Backticks around something that is not JSON."""


class OutOfBounds(BadLiteral):
    """A literal or a quoted name that is JSON, and that no event could hold: `message` says why."""


_Lexer: Any = Lexer  # its stubs leave out everything a subclass needs


class ExactLexer(_Lexer):  # type: ignore[misc]
    """Tokens with `start` and exclusive `end` inside the text; JSON literals hold int and Decimal."""

    def tokenize(self, expression: str) -> Iterator[Token]:
        for token in super().tokenize(expression):
            if token["type"] in _DELIMITED:
                # The base lexer has read past the closing delimiter when it yields.
                token["end"] = self._length if self._current is None else self._position
            elif token["type"] in _WIDTHS:
                token["end"] = token["start"] + _WIDTHS[token["type"]]
            yield token

    def _consume_literal(self) -> Token:
        start = self._position
        text = self._consume_until("`").replace("\\`", "`")
        try:
            json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)
        except (ValueError, RecursionError):
            raise BadLiteral(lexer_position=start, lexer_value=text, message="not JSON") from None
        return {"type": "literal", "value": _kept(text, text, start), "start": start, "end": start}

    def _consume_quoted_identifier(self) -> Token:
        token: Token = super()._consume_quoted_identifier()
        _kept(json.dumps(token["value"]), token["value"], token["start"])
        return token


def _kept(text: str, shown: str, start: int) -> Any:
    """The value of JSON that an event could hold. Raises OutOfBounds."""
    try:
        return parse(text)
    except Failure as failure:
        raise OutOfBounds(lexer_position=start, lexer_value=shown, message=failure.detail) from None


def _refuse(text: str) -> Any:
    raise ValueError(text)

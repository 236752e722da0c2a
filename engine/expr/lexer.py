"""jmespath's lexer with exact numbers in literals and exact ends of tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from jmespath.exceptions import LexerError
from jmespath.lexer import Lexer

Token = dict[str, Any]


class BadLiteral(LexerError):  # type: ignore[misc]
    """Backticks around something that is not JSON."""


class ExactLexer(Lexer):  # type: ignore[misc]
    """Tokens with `start` and exclusive `end` inside the text; JSON literals hold int and Decimal."""

    def tokenize(self, expression: str) -> Iterator[Token]:
        for token in super().tokenize(expression):
            if token["type"] == "eof":
                yield token
                continue
            # The base lexer reads the next character before it yields, so this is where the token ended.
            token["end"] = self._length if self._current is None else self._position
            if token["type"] in ("eq", "lte", "gte", "ne", "or", "and"):
                token["end"] = token["start"] + 2
            elif token["type"] not in ("literal", "quoted_identifier"):
                token["end"] = token["start"] + len(str(token["value"]))
            yield token

    def _consume_literal(self) -> Token:
        start = self._position
        text = self._consume_until("`").replace("\\`", "`")
        try:
            value = json.loads(text, parse_float=Decimal, parse_constant=_refuse)
        except (ValueError, RecursionError):
            raise BadLiteral(lexer_position=start, lexer_value=text, message="not JSON") from None
        return {"type": "literal", "value": value, "start": start, "end": start}


def _refuse(text: str) -> Any:
    raise ValueError(text)

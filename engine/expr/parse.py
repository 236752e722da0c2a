"""Text of an expression -> syntax tree, or an ExpressionError that says what is wrong and where."""

from __future__ import annotations

import re

from jmespath.exceptions import IncompleteExpressionError, LexerError, ParseError

from engine.expr.arithmetic import INSTEAD, instead_of
from engine.expr.errors import ExpressionError
from engine.expr.lexer import BadLiteral, ExactLexer, OutOfBounds, Token
from engine.expr.limits import MAX_DEPTH, MAX_TEXT
from engine.expr.nodes import Node
from engine.expr.parser import PlacedParser
from engine.expr.tree import build

_OPENING = ("lparen", "lbracket", "lbrace", "filter")
_CLOSING = {"rparen": "(", "rbracket": "[", "rbrace": "{"}
_VALUES = ("unquoted_identifier", "quoted_identifier", "literal", "current", *_CLOSING)  # a value ends with one
_PREFIX = ("not", "expref")
_CODE = re.compile(r"0[0-9]+")  # 0042: a store, a till, an account
_WORD_OPERATORS = {"and": "&&", "or": "||", "not": "!", "is": "==", "eq": "==", "AND": "&&", "OR": "||", "NOT": "!"}


def parse(text: str) -> Node:
    """The tree of an expression of at most 4 KiB and 64 levels. Raises ExpressionError TF2001 to TF2009."""
    if len(text) > MAX_TEXT or len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT:
        raise ExpressionError(
            "TF2008", f"the expression is longer than {MAX_TEXT:,} bytes", length=0, help="split it: `set` a part first"
        )
    if not text.strip():
        raise ExpressionError("TF2004", "the expression is empty", length=0)
    tokens = _tokens(text)
    _check_depth(tokens)
    try:
        return build(PlacedParser().parse_tokens(tokens))
    except RecursionError:
        raise _too_deep(0) from None
    except IncompleteExpressionError:
        raise _incomplete(text, tokens) from None
    except ParseError as error:
        raise _unexpected(text, tokens, error) from None


def _tokens(text: str) -> list[Token]:
    try:
        return list(ExactLexer().tokenize(text))
    except BadLiteral as error:
        raise _bad_literal(error) from None
    except LexerError as error:
        raise _bad_character(text, error) from None


def _bad_literal(error: BadLiteral) -> ExpressionError:
    word: str = error.lexer_value
    if isinstance(error, OutOfBounds):
        help = "write only what an event could hold"
        return ExpressionError("TF2005", error.message, offset=error.lexer_position, length=len(word) + 2, help=help)
    return ExpressionError(
        "TF2005",
        f"`{word}` between backticks is not JSON",
        offset=error.lexer_position,
        length=len(word) + 2,
        help="text stands in single quotes, numbers and true, false, null in backticks",
        suggestion=f"'{word}'",
    )


def _bad_character(text: str, error: LexerError) -> ExpressionError:
    at = min(error.lexer_position, len(text) - 1)
    char = text[at]
    if "Unclosed" in error.message:
        return ExpressionError(
            "TF2003",
            f"the {char} that opens here is never closed",
            offset=at,
            length=len(text) - at,
            help=f"close it with {char}",
        )
    if char == "=":
        return ExpressionError("TF2007", "a single = compares nothing", offset=at, help="write ==", suggestion="==")
    if char == '"':
        return ExpressionError("TF2003", "this quoted name is not valid", offset=at, help=error.message)
    return _calculates(text, at)


def _calculates(text: str, at: int) -> ExpressionError:
    if text[at] == "/" and not text[:at].strip():
        advice = f"write {{const: {text.strip()}}} for the text itself"
        return ExpressionError("TF2001", "`/` means nothing here", offset=at, help=advice)
    return ExpressionError("TF2001", f"`{text[at]}` means nothing here", offset=at, help=instead_of(text, at))


def _follows_a_value(tokens: list[Token], number: Token) -> bool:
    """`total -1` is meant as a difference: the sign was read as part of the number."""
    before = [token for token in tokens if token["end"] <= number["start"]][-1:]
    return str(number["value"]).startswith("-") and any(token["type"] in _VALUES for token in before)


def _check_depth(tokens: list[Token]) -> None:
    """Refuse deep nesting before the parser recurses into it."""
    depth = prefixes = 0
    for token in tokens:
        prefixes = prefixes + 1 if token["type"] in _PREFIX else 0
        if token["type"] in _OPENING:
            depth += 1
        elif token["type"] in _CLOSING:
            depth -= 1
        if depth + prefixes > MAX_DEPTH:
            raise _too_deep(token["start"])


def _too_deep(offset: int) -> ExpressionError:
    return ExpressionError(
        "TF2009",
        f"the expression is nested deeper than {MAX_DEPTH} levels",
        offset=offset,
        help="split it: `set` a part first",
    )


def _incomplete(text: str, tokens: list[Token]) -> ExpressionError:
    opened: list[Token] = []
    for token in tokens:
        if token["type"] in _OPENING:
            opened.append(token)
        elif token["type"] in _CLOSING and opened:
            opened.pop()
    if opened:
        token = opened[-1]
        return ExpressionError(
            "TF2002",
            f"the `{token['value']}` that opens here is never closed",
            offset=token["start"],
            length=token["end"] - token["start"],
            help="close it; in a YAML flow list an expression with commas needs quotes around it",
        )
    end = len(text.rstrip())
    return ExpressionError(
        "TF2002", "the expression ends too early", offset=max(0, end - 1), help="something must follow"
    )


def _unexpected(text: str, tokens: list[Token], error: ParseError) -> ExpressionError:
    token = next(
        (t for t in tokens if t["start"] == error.lex_position and t["type"].upper() == error.token_type), tokens[-1]
    )
    if token["type"] == "eof":
        return _incomplete(text, tokens)
    word = text[token["start"] : token["end"]]
    code, message, advice, suggestion = "TF2001", f"`{word}` is not expected here", "", ""
    if word in INSTEAD or (token["type"] == "number" and _follows_a_value(tokens, token)):
        return _calculates(text, token["start"])
    if "{{" in text[max(0, token["start"] - 1) : token["start"] + 2]:
        message = "`{{` belongs to a template, and this is an expression"
        advice = 'leave the braces out, or write {template: "{{ .. }}"} for a text made of values'
    elif word in _WORD_OPERATORS:
        code, suggestion = "TF2007", _WORD_OPERATORS[word]
        message, advice = f"`{word}` is not an operator", f"write {suggestion}"
    elif token["type"] in _CLOSING:
        advice = f"nothing is open that `{word}` closes, or a value is missing before it"
    elif token["type"] == "number":
        message = f"the bare number {word} is not a value"
        advice, suggestion = f"write `{word}` in backticks", f"`{word}`"
        if _CODE.fullmatch(word):
            advice, suggestion = f"write '{word}' in single quotes: with a zero in front it is text", f"'{word}'"
    elif token["type"] in ("unquoted_identifier", "quoted_identifier", "literal"):
        advice = "an operator, a dot or a comma is missing before it"
    return ExpressionError(
        code, message, offset=token["start"], length=token["end"] - token["start"], help=advice, suggestion=suggestion
    )

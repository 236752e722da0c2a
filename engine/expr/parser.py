"""jmespath's parser with places kept on every node, and strict about commas."""

from __future__ import annotations

from typing import Any

from jmespath import ast
from jmespath.exceptions import ParseError
from jmespath.parser import Parser

from engine.expr.lexer import Token

Tree = dict[str, Any]


_Parser: Any = Parser  # its stubs leave out everything a subclass needs
_ast: Any = ast


class PlacedParser(_Parser):  # type: ignore[misc]
    """Trees whose nodes carry `span` (whole text) and names that carry `at` and `width` (their own token)."""

    def parse_tokens(self, tokens: list[Token]) -> Tree:
        """The tree of a whole expression. Raises jmespath's ParseError."""
        self._tokens = tokens
        self._index = 0
        tree: Tree = self._expression(0)
        if self._current_token() != "eof":
            self._raise_parse_error_for_token(self._lookahead_token(0), "unexpected")
        return tree

    def _expression(self, binding_power: int = 0) -> Tree:
        first = self._lookahead_token(0)
        self._advance()
        begin: Any = getattr(self, f"_token_nud_{first['type']}", self._error_nud_token)
        left: Tree = begin(first)
        self._place(left, first["start"])
        while binding_power < self.BINDING_POWER[self._current_token()]:
            go_on: Any = getattr(self, f"_token_led_{self._current_token()}", None)
            if go_on is None:
                self._error_led_token(self._lookahead_token(0))
            self._advance()
            left = go_on(left)
            self._place(left, first["start"])
        return left

    def _place(self, node: Tree, start: int) -> None:
        node["span"] = (start, self._lookahead_token(-1)["end"])

    def _token_nud_literal(self, token: Token) -> Tree:
        return dict(_ast.literal(token["value"]))

    def _token_nud_unquoted_identifier(self, token: Token) -> Tree:
        return {**_ast.field(token["value"]), "at": token["start"], "width": token["end"] - token["start"]}

    def _token_nud_quoted_identifier(self, token: Token) -> Tree:
        if self._current_token() == "lparen":
            raise ParseError(token["start"], token["value"], token["type"], "a function name has no quotes")
        field = self._token_nud_unquoted_identifier(token)
        return {**field, "quoted": True}

    def _token_led_lparen(self, left: Tree) -> Tree:
        if left["type"] != "field" or left["at"] + left["width"] != self._lookahead_token(-2)["end"]:
            before = self._lookahead_token(-2)
            raise ParseError(before["start"], before["value"], before["type"], "not a function name")
        args: list[Tree] = []
        while self._current_token() != "rparen" or args:
            args.append(self._expression())
            if self._current_token() == "rparen":
                break
            self._match("comma")
        self._match("rparen")
        return {**_ast.function_expression(left["value"], args), "at": left["at"]}

    def _parse_index_expression(self) -> Tree:
        start = self._lookahead_token(-1)["start"]
        node: Tree = super()._parse_index_expression()
        self._place(node, start)
        return node

    def _parse_multi_select_list(self) -> Tree:
        start = self._lookahead_token(-1)["start"]
        node: Tree = super()._parse_multi_select_list()
        self._place(node, start)
        return node

    def _parse_multi_select_hash(self) -> Tree:
        start = self._lookahead_token(-1)["start"]
        node: Tree = super()._parse_multi_select_hash()
        self._place(node, start)
        return node

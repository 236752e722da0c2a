"""What is wrong with an expression or template, told so that a Finding can point inside the text."""

from __future__ import annotations


class ExpressionError(Exception):
    """A text that cannot be compiled. `offset` and `length` are characters inside the text."""

    def __init__(
        self, code: str, message: str, *, offset: int = 0, length: int = 1, help: str = "", suggestion: str = ""
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.offset = offset
        self.length = length
        self.help = help
        self.suggestion = suggestion

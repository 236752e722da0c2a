"""What is wrong with an expression or template, told so that a Finding can point inside the text."""

from __future__ import annotations

from typing import TypedDict


class Where(TypedDict):
    """Where an error points, as arguments of an ExpressionError."""

    offset: int
    length: int


class ExpressionError(Exception):
    """A text that cannot be compiled. `offset` and `length` are characters inside the text.

    path   leads from the field's value to the text when the value is a list or a block
    key    the problem is the last key of `path` itself, not its value
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        offset: int = 0,
        length: int = 1,
        help: str = "",
        suggestion: str = "",
        path: tuple[str | int, ...] = (),
        key: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.offset = offset
        self.length = length
        self.help = help
        self.suggestion = suggestion
        self.path = path
        self.key = key

    def below(self, *path: str | int) -> ExpressionError:
        """The same error, told of a value that holds the text at `path`."""
        self.path = (*path, *self.path)
        return self

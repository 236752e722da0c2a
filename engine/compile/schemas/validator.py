"""One compiled schema: all violations with their JSON pointer, and defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import jsonschema_rs

from engine.compile.schemas.fill import Resolve, compile_fill
from engine.core.differing import pointer

MASK = "the value"  # stands for what the data holds: a violation may be read by people who may not read the data


class SchemaValidator:
    """A schema `name@n`, ready to use. References are followed through `resolve`.

    Raises ValueError when the schema or one it refers to is not valid.
    """

    def __init__(self, name: str, schema: Mapping[str, Any], resolve: Resolve) -> None:
        self.name = name
        self._fill = compile_fill(schema, resolve)

        def retrieve(uri: str) -> Any:
            found = resolve(uri.rpartition("/")[2].replace("%40", "@"))
            if found is None:
                raise KeyError(uri)
            return found

        self._compiled = jsonschema_rs.Draft202012Validator(
            dict(schema),
            validate_formats=True,
            retriever=retrieve,
            mask=MASK,
            pattern_options=jsonschema_rs.RegexOptions(),
        )

    def violations(self, data: Any, limit: int = 100) -> list[tuple[str, str]]:
        """(JSON pointer, message) of everything that is wrong, at most `limit`; empty when the data is valid."""
        if self._compiled.is_valid(data):
            return []
        return [
            (pointer(error.instance_path), error.message) for error in islice(self._compiled.iter_errors(data), limit)
        ]

    def filled(self, data: Any) -> Any:
        """The data with defaults where a property is missing; the same object when nothing was."""
        return data if self._fill is None else self._fill(data)


class NoSchema:
    """Stands in for a schema that does not exist, after its finding was made: everything passes."""

    def __init__(self, name: str) -> None:
        self.name = name

    def violations(self, data: Any, limit: int = 100) -> list[tuple[str, str]]:
        return []

    def filled(self, data: Any) -> Any:
        return data

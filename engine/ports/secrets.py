"""Secrets: values that are used and never shown."""

from __future__ import annotations

from typing import Protocol


class Secret:
    """A value whose every textual form is `***`; `reveal` is called where it leaves for the outside system."""

    __slots__ = ("_value", "name", "version")

    def __init__(self, name: str, value: str, version: str) -> None:
        self.name = name
        self.version = version
        self._value = value

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret is not copied out of its process")


class SecretSource(Protocol):
    """Where secrets come from."""

    def get(self, name: str) -> Secret:
        """Raises KeyError when there is no such secret. `version` changes when the value does."""
        ...

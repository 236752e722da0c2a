"""Field types the formats share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from engine.sdk import problem


def _encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError:
        raise problem("TF5001", f"`{name}` is not an encoding", "write utf-8, cp1252 or iso-8859-15") from None
    return name


def _once(names: list[str]) -> list[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise problem("TF5002", f"the name `{name}` occurs twice", "give each a name of its own")
        seen.add(name)
    return names


Encoding: TypeAlias = Annotated[str, AfterValidator(_encoding)]
Names: TypeAlias = Annotated[list[str], AfterValidator(_once)]

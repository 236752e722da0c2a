"""Differences between two documents in words: `give_up_after 24h -> 6h (to erp, retry)`, `step \\`total\\` added`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from engine.config.assemble import read_cached
from engine.config.layout import place_of
from engine.config.substitution import Joined, ParamRef, SecretRef
from engine.core.numbers import plain

Path = tuple[str, ...]
LONGEST = 60
_ITEMS = {"steps": "step", "to": "sink", "then": "step", "else": "step"}
_MISSING = object()


def described(before: Any, after: Any) -> list[str]:
    """A line for each difference."""
    return list(_values(before, after, ()))


def file_words(before: Mapping[str, bytes], after: Mapping[str, bytes], kind: str, name: str) -> list[str]:
    """The same for a file of the project, which each line names."""
    old, new = _file(before, kind, name), _file(after, kind, name)
    lines = described(old, new) if isinstance(old, dict) and isinstance(new, dict) else []
    return [located(line, f"{kind} {name}") for line in lines] or [f"{kind} {name} changed"]


def located(line: str, place: str) -> str:
    """The line with what it is about at its end."""
    return f"{line[:-1]}, {place})" if line.endswith(")") else f"{line} ({place})"


def document(files: Mapping[str, bytes], path: str) -> Any:
    """The values of a YAML file; None where there is none, or it cannot be read."""
    found = read_cached(path, files[path])[0] if path in files else None
    return found.data if found is not None else None


def _file(files: Mapping[str, bytes], kind: str, name: str) -> Any:
    kinds = ("route",) if kind == "subflow" else (kind,)
    for path in files:
        place = place_of(path)
        if place is not None and place.kind in kinds and place.name == name and path.endswith(".yaml"):
            return document(files, path)
    return None


def _values(before: Any, after: Any, path: Path) -> Iterator[str]:
    if before == after:
        return
    before, after = _emptied(before, after), _emptied(after, before)
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _values(before.get(key, _MISSING), after.get(key, _MISSING), (*path, str(key)))
    elif isinstance(before, list) and isinstance(after, list) and _by_id(before) and _by_id(after):
        yield from _items(before, after, path)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True), 1):
            yield from _values(old, new, (*path, str(index)))
    else:
        yield _leaf(before, after, path)


def _emptied(value: Any, other: Any) -> Any:
    """A list of steps that is not there is one of no steps."""
    return [] if value is _MISSING and isinstance(other, list) and other and _by_id(other) else value


def _items(before: list[Any], after: list[Any], path: Path) -> Iterator[str]:
    """Lists whose items have an id: what came, what went, what moved."""
    what = _ITEMS.get(path[-1] if path else "", "item")
    old, new = {item["id"]: item for item in before}, {item["id"]: item for item in after}
    for id in old:
        if id not in new:
            yield f"{what} `{id}` removed" + _where(path[:-1])
    for id in new:
        if id not in old:
            yield f"{what} `{id}` added" + _where(path[:-1])
        else:
            yield from _values(old[id], new[id], (*path[:-1], f"{what} {id}"))
    if [id for id in old if id in new] != [id for id in new if id in old]:
        yield f"{what}s in another order" + _where(path[:-1])


def _leaf(before: Any, after: Any, path: Path) -> str:
    name, where = (path[-1] if path else "it"), _where(path[:-1])
    if before is _MISSING:
        return f"{name} {_shown(after)} added{where}"
    if after is _MISSING:
        return f"{name} {_shown(before)} removed{where}"
    return f"{name} {_shown(before)} -> {_shown(after)}{where}"


def _where(path: Path) -> str:
    return f" ({', '.join(path)})" if path else ""


def _by_id(items: list[Any]) -> bool:
    return all(isinstance(item, dict) and isinstance(item.get("id"), str) for item in items)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        text = "{" + ", ".join(f"{key}: {_shown(item)}" for key, item in value.items()) + "}"
    elif isinstance(value, list | tuple):
        text = "[" + ", ".join(map(_shown, value)) + "]"
    else:
        text = _plain(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _plain(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, SecretRef):
        return f"${{secret.{value.name}}}"
    if isinstance(value, ParamRef):
        return f"${{param.{value.name}}}"
    if isinstance(value, Joined):
        return "".join(_plain(part) for part in value.parts)
    return " ".join(str(value).split())

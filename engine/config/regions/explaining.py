"""A route as it is in one scope, value by value: where each was written, and what it replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.config.loaded import Project
from engine.config.nodes import Path
from engine.config.regions.applying import apply
from engine.config.regions.packs import base_of, days_of, in_turn, packs_of
from engine.config.regions.pieces import Piece
from engine.config.regions.working import Effective, Gone, untouched
from engine.config.substitution import Joined, ParamRef, SecretRef
from engine.core.findings import Finding, Mark


@dataclass(frozen=True)
class Leaf:
    """One value. `path` names items of lists by their id where they have one; `was` are values it replaced, newest
    first, each with its place.
    """

    path: str
    value: Any
    mark: Mark
    was: tuple[tuple[Any, Mark], ...] = ()


@dataclass(frozen=True)
class Change:
    """How a value differs from the base: it was added, removed (by the overlay at `mark`), or is another one."""

    kind: str  # added | removed | changed
    path: str
    value: Any
    mark: Mark
    before: Any = None
    why: str = ""


def effective_in(
    project: Project, route: str, values: Mapping[str, str], day: str
) -> tuple[Effective, list[str], list[Finding]]:
    """(the route in this scope on this business day, codes of the packs that apply, findings of applying them)."""
    packs = {pack.code: pack for pack in packs_of(project)}
    together = [pack.code for pack in packs.values() if pack.fits(values)]
    overlays = [one for one in project.overlays if base_of(one) == route and one.region in together]
    days = next(span for span in days_of(overlays) if span.since <= day and (not span.until or day <= span.until))
    base = project.routes[route]
    if not days.overlays:
        return untouched(base), together, []
    effective, found = apply(project, base, in_turn(days.overlays, packs), packs)
    return effective, together, found


def leaves_of(effective: Effective) -> list[Leaf]:
    """Every value of the route and of the mappings its overlays filled."""
    found = [_leaf(path, piece, effective.whole, "") for path, piece in effective.whole.leaves()]
    for name, whole in sorted(effective.pieces.items()):
        found += [_leaf(path, piece, whole, f"mapping {name}: ") for path, piece in whole.leaves()]
    return found


def _leaf(path: Path, piece: Piece, whole: Piece, before: str) -> Leaf:
    was = tuple((shown(one), one.mark) for one in piece.was)
    return Leaf(before + named(path, whole), shown(piece), piece.mark, was)


def named(path: Path, whole: Piece) -> str:
    """`steps.totals.check[0].that`: items that have an id by it, others by their number."""
    text, piece = "", whole
    for part in path:
        inner = piece.opened().inner
        piece = inner[part]  # type: ignore[index]
        own = _id(piece) if isinstance(part, int) else ""
        text += f"[{part}]" if isinstance(part, int) and not own else f".{own or part}" if text else str(part)
    return text


def _id(piece: Piece) -> str:
    inner = piece.opened().inner
    if not isinstance(inner, dict):
        return ""
    for key in ("id", "slot"):
        if key in inner and isinstance(value := inner[key].value, str):
            return value
    return ""


def shown(piece: Piece) -> Any:
    """The value as people may see it: what came from outside is shown as it is written."""
    if piece.inner is None and piece.document.marks.is_replaced(piece.path):
        return piece.document.marks.written(piece.path)
    return _plain(piece.value)


def _plain(value: Any) -> Any:
    if isinstance(value, SecretRef):
        return f"${{secret.{value.name}}}"
    if isinstance(value, ParamRef):
        return f"${{param.{value.name}}}"
    if isinstance(value, Joined):
        return "".join(str(_plain(part)) for part in value.parts)
    return value


def below(leaves: Sequence[Leaf], path: str) -> list[Leaf]:
    """Those at or below a path."""
    return [
        leaf for leaf in leaves if leaf.path == path or (leaf.path.startswith(path) and leaf.path[len(path)] in ".[:")
    ]


def changes_of(effective: Effective) -> list[Change]:
    """What differs from the base, in the order of the effective document; what is gone comes last."""
    base = {leaf.path: leaf for leaf in _base_leaves(effective)}
    now = {leaf.path: leaf for leaf in leaves_of(effective)}
    found = []
    for path, leaf in now.items():
        if path not in base:
            found.append(Change("added", path, leaf.value, leaf.mark))
        elif base[path].value != leaf.value:
            found.append(Change("changed", path, leaf.value, leaf.mark, base[path].value))
    found += [_gone(gone) for gone in effective.gone]
    return found


def _base_leaves(effective: Effective) -> Iterator[Leaf]:
    base = Piece(effective.whole.document)
    yield from (_leaf(path, piece, base, "") for path, piece in base.leaves())
    for name, whole in effective.pieces.items():
        base = Piece(whole.document)
        yield from (_leaf(path, piece, base, f"mapping {name}: ") for path, piece in base.leaves())


def _gone(gone: Gone) -> Change:
    return Change("removed", gone.id, None, gone.reason.mark, why=str(gone.reason.value))

"""A route while overlays are laid over it, and what it is afterwards: its parts, and the places they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.config.checks import ids_of, same_ids
from engine.config.loaded import Loaded, Project
from engine.config.models.resources import MappingDoc
from engine.config.models.route import RouteDoc
from engine.config.models.step import StepDoc
from engine.config.nodes import Path
from engine.config.regions.pieces import Piece, merged
from engine.core.findings import Finding, Mark

SLOT_STEPS = "steps"  # where the steps stand that fill a slot; nobody can write this key in a file
DISABLED = "disabled"  # why a sink is never selected; nobody can write this key either


@dataclass(frozen=True)
class Gone:
    """A step or sink that does not run: where it stood, and the reason."""

    id: str
    piece: Piece
    reason: Piece


@dataclass(frozen=True)
class Effective:
    """A route as it is in one scope.

    route     its document and model
    whole     the document's pieces, with what each replaced
    mappings  those whose slots are filled, as this route uses them; `pieces` of them beside
    disabled  sinks that are never selected
    gone      steps and sinks that do not run
    overlays  names of what was laid over it, weakest first
    idle      of operations that made no difference, what to say where they make none anywhere
    moved     operations that did make one, by their place
    """

    route: Loaded[RouteDoc]
    whole: Piece
    mappings: Mapping[str, Loaded[MappingDoc]] = field(default_factory=dict)
    pieces: Mapping[str, Piece] = field(default_factory=dict)
    disabled: frozenset[str] = frozenset()
    gone: tuple[Gone, ...] = ()
    overlays: tuple[str, ...] = ()
    idle: tuple[Finding, ...] = ()
    moved: frozenset[Mark] = frozenset()


def untouched(route: Loaded[RouteDoc]) -> Effective:
    """The base."""
    return Effective(route, Piece(route.document))


class Working:
    """A route while it is changed. `docs` are the models of its steps, in step with their pieces."""

    def __init__(self, project: Project, base: Loaded[RouteDoc]) -> None:
        self.project = project
        self.base = base
        self.whole = Piece(base.document)
        self.docs: list[StepDoc] = list(base.model.steps)
        self.params = dict(base.model.params)
        self.sinks = list(base.model.to)
        self.mappings: dict[str, Piece] = {}
        self.removed: dict[str, Gone] = {}
        self.disabled: dict[str, Gone] = {}
        self.after: dict[str, int] = {}  # step -> how many were put behind it
        self.texts: dict[str, str] = {}
        self.findings: list[Finding] = []
        self.idle: list[Finding] = []
        self.moved: set[Mark] = set()
        self.has_more = False
        self._ids: dict[str, Path] | None = None

    @property
    def ids(self) -> dict[str, Path]:
        """Paths of all steps by id."""
        if self._ids is None:
            steps = self.whole.at(("steps",)).value if self.docs else []
            self._ids = {name: path[:-1] for name, path in ids_of(steps, ("steps",))}
        return self._ids

    def put(self, path: Path, piece: Piece, *, steps: bool = True) -> None:
        """`steps`: there may be others now."""
        self.whole = self.whole.put(path, piece)
        if steps:
            self._ids, self.has_more = None, True

    def ended(self, overlays: Sequence[str]) -> Effective:
        """What came of it."""
        for path in sorted((self.ids[name] for name in self.removed), key=_last_first, reverse=True):
            self._take_out(path)
        document = merged(self.whole, self.texts)
        steps = [self._with_body(index, doc, document.data) for index, doc in enumerate(self.docs)]
        model = self.base.model.model_copy(update={"params": self.params, "steps": steps, "to": self.sinks})
        route = Loaded(document, model, self.base.region)
        found = same_ids(document) if self.has_more else []
        known = set(same_ids(self.base.document)) if found else set()
        self.findings += [one for one in found if one not in known]
        mappings = {
            name: replace(self.project.mappings[name], document=merged(piece, self.texts))
            for name, piece in self.mappings.items()
        }
        gone = (*self.removed.values(), *self.disabled.values())
        return Effective(
            route,
            self.whole,
            mappings,
            self.mappings,
            frozenset(self.disabled),
            gone,
            tuple(overlays),
            tuple(self.idle),
            frozenset(self.moved),
        )

    def _take_out(self, path: Path) -> None:
        parent, index = path[:-1], path[-1]
        assert isinstance(index, int)
        around = self.whole.at(parent).opened()
        assert isinstance(around.inner, list)
        self.put(parent, around.with_items([*around.inner[:index], *around.inner[index + 1 :]]))
        if parent == ("steps",):
            del self.docs[index]

    def _with_body(self, index: int, doc: StepDoc, data: Any) -> StepDoc:
        """A step some inner step of which was put in or taken out."""
        if doc.type == "slot" or self.whole.at(("steps", index)).inner is None:
            return doc
        return doc.model_copy(update={"body": data["steps"][index][doc.type]})


def _last_first(path: Path) -> tuple[tuple[int, str], ...]:
    """Items of a list in their order, inner ones behind the one they are in."""
    return tuple((part, "") if isinstance(part, int) else (0, part) for part in path)

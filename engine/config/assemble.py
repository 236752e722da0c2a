"""Files of a project to a Project: each read by the rules of its kind, then checked against its neighbours."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from engine.config.bytes import decoded
from engine.config.checks import check_document, check_project
from engine.config.document import Document
from engine.config.layout import Place, is_ignored, place_of
from engine.config.loaded import Loaded, Project
from engine.config.models import (
    ConnectionsDoc,
    MappingDoc,
    OverlayDoc,
    PackDoc,
    RouteDoc,
    ScopesDoc,
    SubflowDoc,
    TablesDoc,
    TestsDoc,
)
from engine.config.nearest import suggestion
from engine.config.schemafile import read_schema
from engine.config.substitution import substituted
from engine.config.validate import validated
from engine.config.yaml import read_bytes
from engine.core.findings import Finding, Mark, in_order
from engine.core.garbage import collecting_later
from engine.core.wording import with_article

_MODELS: Final[dict[str, type[Any]]] = {
    "connections": ConnectionsDoc,
    "tables": TablesDoc,
    "scopes": ScopesDoc,
    "tests": TestsDoc,
    "pack": PackDoc,
    "overlay": OverlayDoc,
    "mapping": MappingDoc,
}
_ROOT_KEYS: Final[dict[str, str]] = {
    "route": "routes/",
    "subflow": "routes/",
    "mapping": "mappings/",
    "tests": "a file named *.test.yaml",
    "connections": "routes/connections.yaml",
    "tables": "routes/tables.yaml",
    "scopes": "routes/scopes.yaml",
    "pack": "routes/regions/<code>/pack.yaml",
    "overlay": "routes/regions/<code>/<name>.overlay.yaml",
}
_CACHE_SIZE: Final = 4096
_Kind = str
# What became of a file: its kind and what is kept of it (None: it cannot be used), and what is to be said about it.
_Outcome = tuple[_Kind, Loaded[Any] | None, tuple[Finding, ...]]
_outcomes: dict[tuple[str, bytes, int], _Outcome] = {}
_cache: dict[tuple[str, bytes], tuple[Document | None, tuple[Finding, ...]]] = {}


def read_cached(path: str, content: bytes) -> tuple[Document | None, list[Finding]]:
    """`read_bytes`, remembered by path and content. Documents are never changed, so they may be shared."""
    key = (path, hashlib.sha256(content).digest())
    known = _cache.get(key)
    if known is None:
        document, findings = read_bytes(path, content)
        known = (document, tuple(findings))
        if len(_cache) >= _CACHE_SIZE:
            _cache.pop(next(iter(_cache)), None)
        _cache[key] = known
    return known[0], list(known[1])


def assemble(files: Mapping[str, bytes], env: Mapping[str, str]) -> tuple[Project, list[Finding]]:
    """See `engine.config.project.read_project_from`."""
    with collecting_later():
        assembly = _Assembly(files, env)
        for path in sorted(files, key=lambda path: ("/regions/" in path, path)):
            if not is_ignored(path):
                assembly.add(path, files[path])
        project = assembly.project()
        return project, in_order(assembly.findings + check_project(project))


class _Assembly:
    def __init__(self, files: Mapping[str, bytes], env: Mapping[str, str]) -> None:
        self.files = files
        self.env = env
        self.findings: list[Finding] = []
        self.named: dict[str, dict[str, Loaded[Any]]] = {}
        self.lists: dict[str, list[Loaded[Any]]] = {}
        self.templates: dict[str, str] = {}
        self.broken: dict[str, set[str]] = {}
        self._env_key = hash(tuple(sorted(env.items())))

    def add(self, path: str, content: bytes) -> None:
        place = place_of(path)
        if place is None:
            self._unknown(path)
        elif place.kind == "template":
            text, findings = decoded(path, content)
            self.findings += findings
            self.templates[place.name] = text or ""
        elif place.kind not in ("case", "csv"):
            self._yaml(path, content, place)

    def _yaml(self, path: str, content: bytes, place: Place) -> None:
        """Models are never changed, as documents are not: what the same bytes gave is shared."""
        key = (path, hashlib.sha256(content).digest(), self._env_key)
        outcome = _outcomes.get(key)
        if outcome is None:
            outcome = _outcomes[key] = _read(path, content, place, self.env)
            if len(_outcomes) > _CACHE_SIZE:
                del _outcomes[next(iter(_outcomes))]
        kind, loaded, findings = outcome
        self.findings += findings
        if loaded is None:
            self._broken(kind, place.name)
        else:
            self._keep(kind, place, loaded)

    def _broken(self, kind: str, name: str) -> None:
        per_kind = {"connections": ("connection", "*"), "tables": ("table", "*")}
        kind, name = per_kind.get(kind, (kind, name))
        self.broken.setdefault(kind, set()).add(name)
        if kind == "route":
            self.broken.setdefault("subflow", set()).add(name)

    def _keep(self, kind: str, place: Place, loaded: Loaded[Any]) -> None:
        if kind in ("tests", "overlay"):
            self.lists.setdefault(kind, []).append(loaded)
            return
        known = self.named.setdefault(kind, {})
        name = place.name
        if name in known:
            first = known[name].document.marks.key((kind,))
            mark = loaded.document.marks.key((kind,))
            text = f"there is a second {kind} `{name}`"
            self.findings.append(Finding("TF9006", text, mark, f"the first is {first.file}; rename one", also=(first,)))
            return
        known[name] = loaded

    def _unknown(self, path: str) -> None:
        stem, _, ending = path.rpartition(".")
        advice = "move it away, or see the layout: tillflow explain TF9003"
        better = ""
        if ending.lower() in ("yml", "yaml") and ending != "yaml":
            advice, better = "rename it: files of a project end in .yaml", f"{stem.rpartition('/')[2]}.yaml"
        self.findings.append(
            Finding("TF9003", "this file is none of a project's", Mark(path), advice, better, severity="warning")
        )

    def project(self) -> Project:
        def one(kind: str) -> Any:
            return next(iter(self.named.get(kind, {}).values()), None)

        return Project(
            files=self.files,
            routes=self.named.get("route", {}),
            subflows=self.named.get("subflow", {}),
            mappings=self.named.get("mapping", {}),
            schemas=self.named.get("schema", {}),
            templates=self.templates,
            connections=one("connections"),
            tables=one("tables"),
            scopes=one("scopes"),
            tests=tuple(self.lists.get("tests", ())),
            packs=self.named.get("pack", {}),
            overlays=tuple(self.lists.get("overlay", ())),
            broken={kind: frozenset(names) for kind, names in self.broken.items()},
        )


def _read(path: str, content: bytes, place: Place, env: Mapping[str, str]) -> _Outcome:
    document, findings = read_cached(path, content)
    if document is not None and place.kind != "schema":
        document, more = substituted(document, env)
        findings += more
    if document is None:
        return place.kind, None, tuple(findings)
    kind = _kind_in(document, place)
    if kind is None:
        return place.kind, None, (*findings, _wrong_place(document, place))
    if kind == "schema":
        model, more = read_schema(document)
    else:
        model, more = validated(document, _MODELS.get(kind, SubflowDoc if kind == "subflow" else RouteDoc))
    findings += [*more, *check_document(kind, place, document, model)]
    return kind, Loaded(document, model, place.region) if model is not None else None, tuple(findings)


def _wrong_place(document: Document, place: Place) -> Finding:
    found = next(key for key in document.data if key in _ROOT_KEYS)
    mark = document.marks.key((found,))
    text = f"this file describes {with_article(found)}, and stands where {with_article(place.kind)} is expected"
    return Finding("TF9008", text, mark, f"move it to {_ROOT_KEYS[found]}")


def _kind_in(document: Document, place: Place) -> str | None:
    """The kind a document says it is; None when that kind belongs elsewhere."""
    if place.kind == "schema":
        return "schema"
    allowed = ("route", "subflow") if place.kind == "route" else (place.kind,)
    for kind in allowed:
        if kind in document.data:
            return kind
    if any(key in _ROOT_KEYS for key in document.data if suggestion(key, allowed) == ""):
        others = [key for key in document.data if key in _ROOT_KEYS]
        if others and not _looks_like(document.data, place.kind):
            return None
    near = next((suggestion(key, allowed) for key in document.data if suggestion(key, allowed)), "")
    return near or place.kind


def _looks_like(data: Mapping[str, Any], kind: str) -> bool:
    """A route whose `route` is misspelt still has most of its keys."""
    model = _MODELS.get(kind, RouteDoc)
    names = {info.alias or name for name, info in model.model_fields.items()}
    return len(names & set(data)) >= 3

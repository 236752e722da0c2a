"""Checks of a file against its name and its own parts, and of paths that lead to other files of the project."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from engine.config.document import Document
from engine.config.layout import Place, beside, is_ignored
from engine.config.loaded import Loaded, Project
from engine.config.models.params import ParamDoc
from engine.config.nearest import did_you_mean, nearest, suggestion
from engine.config.nodes import Path
from engine.config.substitution import ParamRef, references
from engine.core.distance import distance
from engine.core.findings import Finding, Mark

_WITH_PARAMS = ("route", "subflow", "overlay")
_VERSIONED = re.compile(r"[a-z][a-z0-9]*([-._][a-z0-9]+)*@[1-9]\d*")


def check_document(kind: str, place: Place, document: Document, model: Any) -> list[Finding]:
    """Findings of one file: its name, its ids, its parameters."""
    findings = _name(kind, place, document)
    if kind in ("route", "subflow") and isinstance(document.data, dict):
        findings += same_ids(document)
        findings += _params(document, model)
    if kind not in _WITH_PARAMS:
        findings += _no_params(document)
    return findings


def _name(kind: str, place: Place, document: Document) -> list[Finding]:
    key = "$id" if kind == "schema" else kind
    if kind not in ("route", "subflow", "mapping", "schema", "pack"):
        return []
    declared = document.data.get(key)
    if not isinstance(declared, str) or declared == place.name:
        return []
    where = f"the folder is named `{place.name}`" if kind == "pack" else f"the file is named `{place.name}.yaml`"
    mark = document.marks.value((key,))
    text = f"the name `{declared}` differs: {where}"
    if kind == "schema" and _VERSIONED.fullmatch(declared) and not _VERSIONED.fullmatch(place.name):
        return [Finding("TF9002", text, mark, f"rename the file to `{declared}.yaml`: its name says the version too")]
    return [Finding("TF9002", text, mark, f"write `{key}: {place.name}`, or rename it", place.name)]


def ids_of(steps: Any, path: Path) -> Iterator[tuple[str, Path]]:
    """Ids of steps and of the steps inside their bodies, with their paths."""
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        if not isinstance(step, dict):
            continue
        here = (*path, index)
        key = "id" if "id" in step else "slot"
        if isinstance(step.get(key), str):
            yield step[key], (*here, key)
        for name, body in step.items():
            if name == "steps":  # those that fill a slot
                yield from ids_of(body, (*here, name))
                continue
            yield from _nested(body, (*here, name))


def _nested(value: Any, path: Path) -> Iterator[tuple[str, Path]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "steps":
                yield from ids_of(item, (*path, key))
            elif key not in ("with", "const"):
                yield from _nested(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _nested(item, (*path, index))


def _listed(value: Any) -> list[Any]:
    """A list as it is; anything else, which has a finding of its own, as an empty one."""
    return value if isinstance(value, list) else []


def same_ids(document: Document) -> list[Finding]:
    """Findings where two ids of a route are the same, or can be mistaken for each other."""
    found = list(ids_of(document.data.get("steps"), ("steps",)))
    for index, sink in enumerate(_listed(document.data.get("to"))):
        if isinstance(sink, dict) and isinstance(sink.get("id"), str):
            found.append((sink["id"], ("to", index, "id")))
    findings = []
    for position, (name, path) in enumerate(found):
        for other, other_path in found[:position]:
            if distance(name, other, 1) > 1:
                continue
            mark, first = document.marks.value(path), document.marks.value(other_path)
            if mark.file == document.path != first.file:
                mark, first = first, mark  # what an overlay brought is what is to be changed
            if name == other:
                place = f"on line {first.line}" + (f" of {first.file}" if first.file != mark.file else "")
                text, code = f"the id `{name}` is already used {place}", "TF1110"
            else:
                text, code = f"the ids `{name}` and `{other}` differ by one character only", "TF1111"
            findings.append(
                Finding(code, text, mark, "choose an id that cannot be mistaken for another", also=(first,))
            )
            break
    return findings


def _params(document: Document, model: Any) -> list[Finding]:
    declared = document.data.get("params")
    known = declared if isinstance(declared, dict) else {}
    findings = _unknown_params(document, known)
    if model is None:
        return findings
    for name, param in model.params.items():
        findings += _no_default(document, name, param) if "route" in document.data else []
    return findings


def _no_default(document: Document, name: str, param: ParamDoc) -> list[Finding]:
    written = document.data["params"][name]
    if param.default is not None or any(suggestion(key, ("default",)) for key in written):
        return []
    mark = document.marks.key(("params", name))
    return [
        Finding("TF1102", f"`default` is missing in `{name}`", mark, "add `default:`: the base route needs a value")
    ]


def _unknown_params(document: Document, known: dict[str, Any]) -> list[Finding]:
    findings = []
    for path, name in _param_names(document):
        if name in known:
            continue
        near = nearest(name, known)
        advice = did_you_mean(near) or (
            f"parameters here: {', '.join(known)}" if known else "declare it under `params`"
        )
        mark = document.marks.value(path)
        findings.append(Finding("TF1052", f"there is no parameter `{name}`", mark, advice, near[0] if near else ""))
    return findings


def _param_names(document: Document) -> Iterator[tuple[Path, str]]:
    if "${" not in document.text:
        return
    for path, reference in references(document.data):
        parts = reference.parts if hasattr(reference, "parts") else (reference,)
        for part in parts:
            if isinstance(part, ParamRef):
                yield path, part.name


def _no_params(document: Document) -> list[Finding]:
    advice = "parameters belong to routes and shared steps; use an environment value here"
    return [
        Finding("TF1054", f"`{name}` is a parameter, and this file has none", document.marks.value(path), advice)
        for path, name in _param_names(document)
    ]


def check_project(project: Project) -> list[Finding]:
    """Findings about paths from one file to another, and about what a project needs."""
    findings = list(_table_files(project))
    findings += [f for tests in project.tests for f in _case_files(project, tests)]
    findings += [f for overlay in project.overlays for f in _case_files(project, overlay, "expects_change")]
    findings += _region_names(project)
    if not project.routes and not project.broken.get("route"):
        advice = "add routes/<name>.yaml; `tillflow init` lays down an example"
        findings.append(Finding("TF9009", "the project has no route", Mark("routes"), advice, severity="warning"))
    return findings


def _table_files(project: Project) -> Iterator[Finding]:
    if project.tables is None:
        return
    for name, table in project.tables.model.tables.items():
        if table.csv is not None:
            yield from _file(project, project.tables.document, ("tables", name, "csv"), table.csv, "mappings/tables/")


def _case_files(project: Project, loaded: Loaded[Any], key: str = "tests") -> Iterator[Finding]:
    for index, case in enumerate(_listed(loaded.document.data.get(key))):
        given = case.get("given") if isinstance(case, dict) else None
        if not isinstance(given, dict):
            continue
        for name in ("event", "file"):
            if isinstance(given.get(name), str):
                yield from _file(project, loaded.document, (key, index, "given", name), given[name], "")
        for name in ("events", "files"):
            for position, entry in enumerate(_listed(given.get(name))):
                if isinstance(entry, str):
                    path = (key, index, "given", name, position)
                    yield from _file(project, loaded.document, path, entry, "")


def _file(project: Project, document: Document, path: Path, text: str, folder: str) -> Iterator[Finding]:
    """A path written in a file must lead to a file of the project."""
    target = beside(document.path, text)
    if target is not None and target in project.files and target.startswith(folder):
        return
    mark = document.marks.value(path)
    if target is None or (folder and not target.startswith(folder)):
        place = folder or "the project"
        start = posixpath.dirname(document.path)
        known = [posixpath.relpath(file, start) for file in project.files if file.startswith(folder)]
        near = _same_name(text, known) or nearest(text, known)
        advice = did_you_mean(near) or f"keep the file in {place}"
        yield Finding("TF9011", f"`{text}` leads out of {place}", mark, advice, near[0] if near else "")
    else:
        start = posixpath.dirname(document.path)
        known = [posixpath.relpath(file, start) for file in project.files if file.startswith(folder or "routes/")]
        same = [file for file in known if posixpath.splitext(file)[1] == posixpath.splitext(text)[1]]
        left_out = is_ignored(target)
        near = [] if left_out else _same_name(text, known) or nearest(text, same or known)
        advice = did_you_mean(near) or f"add the file {target}"
        if left_out:
            advice = "files called so are left out, as notes and what editors leave: give it another name"
        yield Finding("TF9010", f"there is no file `{text}`", mark, advice, near[0] if near else "")


def _same_name(text: str, known: list[str]) -> list[str]:
    """Files that are called so and stand somewhere else."""
    return [file for file in known if posixpath.basename(file) == posixpath.basename(text)][:3]


def _region_names(project: Project) -> Iterator[Finding]:
    groups = ((project.routes, "route"), (project.subflows, "subflow"), (project.mappings, "mapping"))
    for loaded, kind in ((item, kind) for group, kind in groups for item in group.values()):
        if loaded.region and not getattr(loaded.model, kind).startswith(f"{loaded.region}-"):
            mark = loaded.document.marks.value((kind,))
            text = f"a {kind} of region `{loaded.region}` carries the region's name"
            yield Finding("TF6007", text, mark, f"name it `{loaded.region}-...`")

"""Which file of a project is what, told by its path."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal[
    "route",
    "tests",
    "connections",
    "tables",
    "scopes",
    "case",
    "pack",
    "overlay",
    "mapping",
    "schema",
    "template",
    "csv",
]
FOLDERS: Final = ("routes", "mappings")

_RULES: Final[tuple[tuple[str, Kind], ...]] = (
    (r"routes/(connections)\.yaml", "connections"),
    (r"routes/(tables)\.yaml", "tables"),
    (r"routes/(scopes)\.yaml", "scopes"),
    (r"routes/(?:regions/[^/]+/)?cases/(.+)", "case"),
    (r"routes/regions/([^/]+)/pack\.yaml", "pack"),
    (r"routes/regions/[^/]+/([^/]+)\.overlay\.yaml", "overlay"),
    (r"(?:routes|mappings)/(?:regions/[^/]+/)?([^/]+)\.test\.yaml", "tests"),
    (r"routes/(?:regions/[^/]+/)?([^/]+)\.yaml", "route"),
    (r"mappings/schemas/([^/]+)\.yaml", "schema"),
    (r"mappings/templates/(.+\.j2)", "template"),
    (r"mappings/tables/(.+\.csv)", "csv"),
    (r"mappings/(?:regions/[^/]+/)?([^/]+)\.yaml", "mapping"),
)
_COMPILED: Final = tuple((re.compile(pattern), kind) for pattern, kind in _RULES)
_REGION: Final = re.compile(r"(?:routes|mappings)/regions/([^/]+)/")

# A project's own notes, and what editors and systems leave behind.
_IGNORED: Final = re.compile(
    r"(^|/)(\.[^/]*|[^/]*~|#[^/]*#|[^/]*\.(md|txt|swp|swo|tmp|bak|orig|rej|pyc)|__pycache__|LICENSE)(/|$)"
)
_CASE_AS_TEXT: Final = re.compile(r"routes/(?:regions/[^/]+/)?cases/.*\.txt")  # what many tills write


@dataclass(frozen=True)
class Place:
    """What a path stands for: kind, the name the file has to declare, the region it belongs to."""

    kind: Kind
    name: str
    region: str = ""


def place_of(path: str) -> Place | None:
    """The meaning of a path relative to the project (with /); None when it has none."""
    for pattern, kind in _COMPILED:
        match = pattern.fullmatch(path)
        if match is not None:
            region = _REGION.match(path)
            return Place(kind, match[1], region[1] if region is not None else "")
    return None


def is_ignored(path: str) -> bool:
    """True for files no finding is made of: notes, hidden files, what an editor left."""
    if _CASE_AS_TEXT.fullmatch(path):
        path = path.removesuffix(".txt")
    return _IGNORED.search(path) is not None


def beside(path: str, text: str) -> str | None:
    """The project path that `text`, written in the file `path`, names; None when it leads out of the project."""
    if posixpath.isabs(text) or "\\" in text or re.match(r"[A-Za-z]:", text):
        return None
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), text))
    return None if joined.startswith("..") else joined

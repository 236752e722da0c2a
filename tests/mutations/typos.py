"""Single typing mistakes in the files of a project: which words there are, and how they are misspelt.

A word is a key of the language, a reference to a name or id, a name inside an expression, or a function. Data
(constants, expected values, words of `values`) and names that are free to choose are left out: misspelling them is not
a mistake anybody could see.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.config.document import Document
from engine.config.project import Project
from engine.core.findings import Mark
from engine.expr import nodes
from engine.expr.errors import ExpressionError
from engine.expr.parse import parse

Path = tuple[str | int, ...]

# What stands below these is data, or prose.
DATA = {"const", "default", "values", "examples", "title", "description", "summary", "enum"}
PROSE = {"reason", "because", "detail", "owner", "name", "ref", "accept_duplicates_because", "version", "review_by"}
EXPRESSIONS = {"when", "that", "where", "expr", "in", "by", "on"}
VALUES = {"with", "fields", "let", "sum", "collect", "first", "last", "search", "scopes", "set"}
KEYS = {"key", "guard", "order_by", "business_date", "amount", "currency", "sequence"}
REFERENCES = {
    "use", "connection", "action", "map", "event", "accepts", "table", "format", "schema", "validate", "sink", "route",
    "mapping", "input", "output", "csv", "connector", "like", "file", "since", "until",
}  # fmt: skip


@dataclass(frozen=True)
class Word:
    """A word of a file: what kind it is, its place, and its text."""

    kind: str
    mark: Mark
    text: str


@dataclass(frozen=True)
class Mutation:
    """A file with one word misspelt."""

    word: Word
    typo: str
    content: bytes


def documents(project: Project) -> list[Document]:
    """Every YAML document of the project."""
    groups = (project.routes, project.subflows, project.mappings, project.schemas)
    found = [loaded.document for group in groups for loaded in group.values()]
    single = (project.connections, project.tables, project.scopes)
    return [*found, *(loaded.document for loaded in (*single, *project.tests) if loaded is not None)]


def words(project: Project) -> list[Word]:
    """All words in which a typing mistake has to be found, in the order of files and lines."""
    found = [word for document in documents(project) for word in _Words(document, project).all()]
    return sorted(set(found), key=lambda word: (word.mark.file, word.mark.line, word.mark.column))


class _Words:
    def __init__(self, document: Document, project: Project) -> None:
        self._document = document
        self._tests = document.path.endswith(".test.yaml")
        self._schema = "mappings/schemas/" in document.path
        self._free_fields = "mapping" in document.data and "output" not in document.data
        self._project = project

    def all(self) -> Iterator[Word]:
        yield from self._node(self._document.data, (), expression=False)

    def _node(self, value: Any, path: Path, expression: bool) -> Iterator[Word]:
        if isinstance(value, Mapping):
            for key, item in value.items():
                yield from self._entry(str(key), item, (*path, key), value, expression)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._node(item, (*path, index), expression)
        elif isinstance(value, str) and expression:
            yield from self._expression(value, path)

    def _entry(self, key: str, item: Any, path: Path, block: Mapping[str, Any], expression: bool) -> Iterator[Word]:
        if self._is_word(key, path, block):
            yield Word("key", self._document.marks.key(path), key)
        if self._tests and path[-2:-1] == ("set",):
            first = key.partition(".")[0].partition("[")[0]
            yield Word("path", self._document.marks.key(path), first)
        if key == "slot" and isinstance(item, str):
            return  # a name that is given here
        if (
            key in DATA
            or (self._tests and key in ("data", "reply", "requests", "returns"))
            or (self._schema and key in ("pattern", "$comment"))
        ):
            return
        if key in ("as", "number", "into") and isinstance(item, str) and "each" not in path[-2:-1] + path[-1:]:
            yield from self._names(item, path)
        elif key in ("as", "number") and isinstance(item, str):
            yield Word("name", self._document.marks.value(path), item)
        elif self._is_reference(key, path) and not isinstance(item, Mapping):
            yield from self._references(item, path)
        elif not (key in PROSE and isinstance(item, str) and not expression):
            yield from self._node(item, path, self._holds_expressions(key, path, expression))

    def _is_word(self, key: str, path: Path, block: Mapping[str, Any]) -> bool:
        above = path[:-1]
        if self._schema:
            return self._is_schema_word(key, path, block)
        if above and above[-1] in ("search", "let", "slo", "query") and key != "success":
            return False
        if self._tests:
            return self._is_test_word(path)
        if above and above[-1] == "fields":
            return not self._free_fields
        if self._free_fields and "fields" in above:
            return False
        return not (len(above) >= 2 and above[-2] == "headers")

    def _is_test_word(self, path: Path) -> bool:
        """Keys of the language; below them stand ids, paths and data of the test itself."""
        above = path[:-1]
        free = ("set", "params", "headers", "filtered", "returns", "event", "data", "reply", "requests")
        return not any(word in above for word in free)

    def _is_schema_word(self, key: str, path: Path, block: Mapping[str, Any]) -> bool:
        if path[-2:-1] == ("search",):
            return False
        if path[-2:-1] != ("properties",):
            return True
        around = self._document.at(path[:-2])
        return key in around.get("required", ())

    def _is_reference(self, key: str, path: Path) -> bool:
        if self._document.path == "routes/tables.yaml" and key == "key":
            return True
        if key == "$ref" or (self._schema and key in ("required", "type", "format")):
            return path[-2:-1] != ("properties",)
        if self._schema or "fields" in path[:-1] or "with" in path[:-1]:
            return False
        return key in REFERENCES and not (key in ("since", "until") and "tables" not in path)

    def _references(self, item: Any, path: Path) -> Iterator[Word]:
        if isinstance(item, list):
            for index, inner in enumerate(item):
                yield from self._references(inner, (*path, index))
        elif isinstance(item, str) and "$" not in item:
            yield Word("reference", self._document.marks.value(path), item)

    def _names(self, text: str, path: Path) -> Iterator[Word]:
        """The names of a path that something is put at."""
        at, names = 0, text.split(".")
        for index, name in enumerate(names):
            if index < len(names) - 1 or path[-1] != "into" or self._is_added(name):
                yield Word("name", self._document.marks.inside(path, at, len(name)), name)
            at += len(name) + 1

    def _is_added(self, name: str) -> bool:
        """True when a mapping of this route counts on it; otherwise the name is free to choose."""
        used = [m.model for m in self._project.mappings.values() if m.model.mapping in self._document.text]
        return any(path.endswith(f".{name}") for model in used for path in model.adds)

    def _holds_expressions(self, key: str, path: Path, expression: bool) -> bool:
        if key == "template" or self._tests:
            return False
        if key in EXPRESSIONS or key in VALUES:
            return not self._schema or "x-tillflow" in path
        if key in KEYS:
            return "x-tillflow" in path or not self._schema
        return expression

    def _expression(self, text: str, path: Path) -> Iterator[Word]:
        try:
            tree = parse(text)
        except ExpressionError:
            return
        for node in nodes.walk(tree):
            if isinstance(node, nodes.Field) and not node.quoted:
                yield Word("path", self._document.marks.inside(path, node.at, node.width), node.name)
            elif isinstance(node, nodes.Call):
                mark = self._document.marks.inside(path, node.at, len(node.name))
                yield Word("function", mark, node.name)
                yield from self._named(node, path)

    def _named(self, call: nodes.Call, path: Path) -> Iterator[Word]:
        first = call.args[0] if call.args else None
        if call.name in ("lookup", "find", "param", "meta", "has_row") and isinstance(first, nodes.Literal):
            mark = self._document.marks.inside(path, first.start + 1, len(first.value))
            yield Word("reference", mark, first.value)


def misspelt(word: str, chance: random.Random) -> str:
    """The word with one mistake: a letter left out, doubled, replaced, or swapped with its neighbour."""
    letters = [index for index, char in enumerate(word) if char.isalpha()]
    for _ in range(50):
        index = chance.choice(letters)
        way = chance.choice(("leave", "double", "replace", "swap"))
        char = word[index]
        if way == "leave" and len(letters) > 2:
            typo = word[:index] + word[index + 1 :]
        elif way == "double":
            typo = word[:index] + char + word[index:]
        elif way == "replace":
            typo = word[:index] + chance.choice("abcdefghijklmnopqrstuvwxyz") + word[index + 1 :]
        else:
            typo = word[:index] + word[index + 1 : index + 2] + char + word[index + 2 :]
        if typo != word:
            return typo
    raise ValueError(f"{word!r} cannot be misspelt")


def mutate(files: Mapping[str, bytes], word: Word, typo: str) -> Mutation:
    """The file of a word with its typo in place of it."""
    text = files[word.mark.file].decode()
    lines = text.split("\n")
    line, start = lines[word.mark.line - 1], word.mark.column - 1
    at = line.index(word.text, start)
    lines[word.mark.line - 1] = line[:at] + typo + line[at + len(word.text) :]
    return Mutation(word, typo, "\n".join(lines).encode())


def mutations(project: Project, count: int, seed: int) -> list[Mutation]:
    """`count` mutations: every word once in a random order, then again with other mistakes."""
    chance = random.Random(seed)
    found = [word for word in words(project) if sum(map(str.isalpha, word.text)) > 1]
    order = list(found)
    chance.shuffle(order)
    while len(order) < count:
        order += chance.sample(found, len(found))
    everything = {word.text for word in found}
    made: list[Mutation] = []
    for word in order[:count]:
        typo = misspelt(word.text, chance)
        while typo in everything:  # another word that is right somewhere is no typing mistake
            typo = misspelt(word.text, chance)
        made.append(mutate(project.files, word, typo))
    return made

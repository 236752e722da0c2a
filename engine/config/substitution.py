"""`${UPPER_CASE:default}`, `${secret.name}` and `${param.name}` in values, filled in after parsing.

A substituted value never changes the structure of a file. Environment values are put in while files are read; secrets
and parameters become references that `with_secrets` and `with_params` fill in. `$${` stands for a literal `${`.

An unquoted scalar that is one reference only takes the type of what replaces it; inside quotes an environment value
stays text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from engine.config.document import Document
from engine.config.fixed import is_name
from engine.config.nearest import did_you_mean, nearest
from engine.config.nodes import Path
from engine.config.scalars import NumberOutOfRange, resolve
from engine.core.findings import Finding
from engine.ports.secrets import Secret, SecretSource

_START = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_ENVIRONMENT = re.compile(r"([A-Z][A-Z0-9_]*)(?::(.*))?", re.DOTALL)
_NAMED = re.compile(r"(secret|param)\.([a-z][a-z0-9_]*)")


@dataclass(frozen=True)
class SecretRef:
    """A secret by name; its value is not known here."""

    name: str


@dataclass(frozen=True)
class ParamRef:
    """A parameter of the route (or of shared steps) by name."""

    name: str


@dataclass(frozen=True)
class Joined:
    """Text with references inside."""

    parts: tuple[str | SecretRef | ParamRef, ...]


Reference: TypeAlias = SecretRef | ParamRef | Joined


_PLAIN = frozenset({str, int, bool, float, Decimal, type(None)})  # most of a document: nothing is below them


class Unset(str):
    """Text with a reference nothing could be put in for. Nothing may be made of it: `${OUTBOX}` is no folder's name."""


def is_unset(value: Any) -> bool:
    """Whether there is such a text below a value."""
    left = [value]
    for one in left:
        kind = type(one)
        if kind is Unset:
            return True
        if kind is dict:
            left += [item for item in one.values() if type(item) not in _PLAIN]
        elif kind is list:
            left += [item for item in one if type(item) not in _PLAIN]
    return False


class _Reading:
    """Substitution in one document."""

    def __init__(self, document: Document, env: Mapping[str, str]) -> None:
        self.document = document
        self.env = env
        self.findings: list[Finding] = []
        self.changed: set[Path] = set()

    def value(self, value: Any, path: Path) -> Any:
        if isinstance(value, str):
            return self._text(value, path) if "${" in value else value
        if isinstance(value, dict):
            return {self._key(key, path): self.value(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, (*path, index)) for index, item in enumerate(value)]
        return value

    def _key(self, key: str, path: Path) -> str:
        if "${" in key:
            mark = self.document.marks.key((*path, key))
            advice = "a substituted value cannot change structure: write the key out"
            self.findings.append(Finding("TF1050", f"`{key}`: nothing is substituted in keys", mark, advice))
        return key

    def _text(self, text: str, path: Path) -> Any:
        self.changed.add(path)
        parts: list[Any] = []
        end = 0
        for match in _START.finditer(text):
            parts.append(text[end : match.start()])
            parts.append("${" if match[1] is None else self._one(match, path))
            end = match.end()
        parts.append(text[end:])
        parts = [part for part in parts if part != ""]
        if len(parts) == 1 and not isinstance(parts[0], str):
            return parts[0]
        if all(isinstance(part, str) for part in parts):
            joined = "".join(parts)
            if any(isinstance(part, Unset) for part in parts):
                return Unset(joined)
            whole = _START.fullmatch(text)
            plain = self.document.marks.written(path)[:1] == "$"
            return self._typed(joined, path) if whole is not None and whole[1] is not None and plain else joined
        return Joined(tuple(parts))

    def _typed(self, text: str, path: Path) -> Any:
        if not text:
            return ""
        try:
            return resolve(text)
        except NumberOutOfRange:
            mark = self.document.marks.value(path)
            self.findings.append(
                Finding(
                    "TF1016", "the number put in here is longer than any amount", mark, "put the reference in quotes"
                )
            )
            return None

    def _one(self, match: re.Match[str], path: Path) -> str | SecretRef | ParamRef:
        inner = match[1]
        if not match[2]:
            return self._wrong(
                match, path, "`${` is opened and not closed", "close it with }, or write $${ for the text"
            )
        named = _NAMED.fullmatch(inner)
        if named is not None:
            return SecretRef(named[2]) if named[1] == "secret" else ParamRef(named[2])
        variable = _ENVIRONMENT.fullmatch(inner)
        if variable is None:
            return self._wrong(
                match, path, f"`{match[0]}` is not a reference", _advice(_repaired(inner)), _repaired(inner)
            )
        name, default = variable[1], variable[2]
        if default is not None and "${" in default:
            return self._nested(match, path)
        if is_name(path):
            advice = "write it out: names and identities are the same wherever the engine runs"
            return self._wrong(match, path, f"`{match[0]}`: nothing is substituted in names", advice)
        value = self.env.get(name, default)
        if value is None:
            return self._undefined(match, path, name)
        return value

    def _nested(self, match: re.Match[str], path: Path) -> str:
        offset = match[0].index("${", 2)
        mark = self.document.marks.inside(path, match.start() + offset, len(match[0]) - offset)
        text = f"`{match[0][offset:]}`: nested references are not resolved"
        advice = "give a default that is plain text, or set the variable"
        self.findings.append(Finding("TF1050", text, mark, advice))
        return Unset(match[0])

    def _undefined(self, match: re.Match[str], path: Path, name: str) -> str:
        near = nearest(name, self.env)
        mark = self.document.marks.inside(path, match.start(), len(match[0]))
        advice = f"set {name}, or give a default: ${{{name}:...}}"
        self.findings.append(
            Finding(
                "TF1051",
                f"the environment variable {name} is not set",
                mark,
                f"{did_you_mean(near)} {advice}".strip(),
                near[0] if near else "",
            )
        )
        return Unset(match[0])

    def _wrong(self, match: re.Match[str], path: Path, message: str, help: str, repaired: str = "") -> str:
        mark = self.document.marks.inside(path, match.start(), len(match[0]))
        self.findings.append(Finding("TF1050", message, mark, help, repaired))
        return Unset(match[0])


def _advice(repaired: str) -> str:
    forms = "${UPPER_CASE}, ${UPPER_CASE:default}, ${secret.name} or ${param.name}; $${ for the text itself"
    return f"did you mean {repaired}? Write {forms}" if repaired else f"write {forms}"


def _repaired(inner: str) -> str:
    name = inner.strip()
    head, dot, tail = name.partition(".")
    if dot and (near := nearest(head, ("secret", "param"), count=1)):
        return f"${{{near[0]}.{re.sub(r'[^a-z0-9]+', '_', tail.lower()).strip('_')}}}"
    if name.startswith(("env:", "env.")):
        name = name[4:]
    bare, colon, default = name.partition(":")
    upper = re.sub(r"[^A-Z0-9]+", "_", bare.upper()).strip("_")
    return f"${{{upper}{colon}{default}}}" if upper[:1].isalpha() else ""


def substituted(document: Document, env: Mapping[str, str]) -> tuple[Document, list[Finding]]:
    """The document with environment values filled in and references to secrets and parameters marked."""
    if "${" not in document.text:
        return document, []
    reading = _Reading(document, env)
    data = reading.value(document.data, ())
    marks = document.marks.replaced(frozenset(reading.changed))
    return Document(document.path, data, marks, document.text), reading.findings


def references(value: Any, path: Path = ()) -> Iterator[tuple[Path, Reference]]:
    """Every reference below a value, with its path."""
    left: list[tuple[Path, Any]] = [(path, value)]
    while left:
        path, value = left.pop()
        kind = type(value)
        if kind is dict:
            left += [((*path, key), item) for key, item in reversed(value.items()) if type(item) not in _PLAIN]
        elif kind is list:
            left += [((*path, index), item) for index, item in enumerate(value) if type(item) not in _PLAIN][::-1]
        elif isinstance(value, SecretRef | ParamRef | Joined):
            yield path, value


def with_params(
    value: Any, params: Mapping[str, Any], document: Document, path: Path = ()
) -> tuple[Any, list[Finding]]:
    """The value at `path` with parameters filled in; a whole scalar keeps the type. Unknown ones are findings."""
    findings: list[Finding] = []

    def fill(part: Reference, where: Path) -> Any:
        if isinstance(part, ParamRef):
            if part.name in params:
                return params[part.name]
            findings.append(_unknown_param(part.name, params, document, where))
            return None
        if isinstance(part, Joined):
            filled = [fill(piece, where) if isinstance(piece, ParamRef) else piece for piece in part.parts]
            return _joined(filled)
        return part

    return _mapped(value, path, fill), findings


def _unknown_param(name: str, params: Mapping[str, Any], document: Document, path: Path) -> Finding:
    near = nearest(name, params)
    advice = did_you_mean(near) or (f"parameters here: {', '.join(params)}" if params else "declare it under `params`")
    return Finding(
        "TF1052", f"there is no parameter `{name}`", document.marks.value(path), advice, near[0] if near else ""
    )


def giving(name: str) -> str:
    """How the engine is given a secret."""
    variable = name.upper().replace("-", "_").replace(".", "_")
    return f"set TILLFLOW_SECRET_{variable} where the engine runs, or add the file {name} to its folder of secrets"


def with_secrets(value: Any, secrets: SecretSource, document: Document, path: Path = ()) -> tuple[Any, list[Finding]]:
    """The value with secrets filled in as `Secret`s (also where text surrounds one). Unknown ones are findings."""
    findings: list[Finding] = []

    def get(name: str, where: Path) -> Secret:
        try:
            return secrets.get(name)
        except KeyError:
            mark = document.marks.value(where)
            findings.append(Finding("TF1053", f"there is no secret `{name}`", mark, giving(name)))
            return Secret(name, "", "")

    def fill(part: Reference, where: Path) -> Any:
        if isinstance(part, SecretRef):
            return get(part.name, where)
        if isinstance(part, Joined) and any(isinstance(piece, SecretRef) for piece in part.parts):
            pieces = [get(piece.name, where) if isinstance(piece, SecretRef) else piece for piece in part.parts]
            held = [piece for piece in pieces if isinstance(piece, Secret)]
            text = "".join(piece.reveal() if isinstance(piece, Secret) else str(piece) for piece in pieces)
            return Secret("+".join(s.name for s in held), text, "+".join(s.version for s in held))
        return part

    return _mapped(value, path, fill), findings


def _joined(parts: list[Any]) -> Any:
    if any(isinstance(part, SecretRef) for part in parts):
        return Joined(tuple(part if isinstance(part, SecretRef) else _shown(part) for part in parts))
    return "".join(_shown(part) for part in parts)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _mapped(value: Any, path: Path, fill: Callable[[Reference, Path], Any]) -> Any:
    if isinstance(value, SecretRef | ParamRef | Joined):
        return fill(value, path)
    if isinstance(value, dict):
        return {key: _mapped(item, (*path, key), fill) for key, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, (*path, index), fill) for index, item in enumerate(value)]
    return value

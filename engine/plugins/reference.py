"""The reference: Markdown pages and plain descriptions of every installed plugin, from their own declarations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from engine.core.jsonx import encode
from engine.plugins.describe import Field, fields_of
from engine.plugins.functions import functions_of
from engine.plugins.registry import Registry
from engine.plugins.spec import ComponentSpec, Connector
from engine.plugins.topics import function_facts, function_page, topics

_TITLES = {
    "source": "Source",
    "sink": "Sink",
    "call": "Call",
    "step": "Step",
    "format": "Format",
    "function": "Function",
    "auth": "Authentication",
}
_BARE = re.compile(r"[A-Za-z/][\w./@-]*")
_GUARANTEES = {
    "idempotency_key": "a repeat carries the same key and the system answers it without a second effect",
    "upsert": "a repeat writes the same row again",
    "same_transaction": "the effect and the note that it was made are one transaction",
    "verify": "after an unknown outcome the system is asked first",
    "at_least_once": "a repeat may double the effect",
    "at_most_once": "it is never repeated; an unknown outcome becomes a work item",
}


def describe(registry: Registry, name: str) -> dict[str, Any]:
    """Everything about a connector, or about what has this name, as JSON-able values. Raises KeyError."""
    connector = registry.connectors.get(name)
    components = [_component(spec) for spec in (connector.specs() if connector else _named(registry, name))]
    if connector is None and (function := functions_of(registry).get(name)) is not None:
        components.append(function_facts(function))
    if not components and connector is None:
        raise KeyError(name)
    summary = connector.summary if connector else components[0]["summary"]
    found: dict[str, Any] = {"name": name, "summary": summary, "components": components}
    if connector is not None:
        found["version"] = connector.version
        config = getattr(connector.connection, "Config", None)
        found["connection"] = [_field(field) for field in fields_of(config)] if config else []
    return found


def listing(registry: Registry) -> list[dict[str, Any]]:
    """One row per connector, usable or not: name, state (ok, refused, broken), summary or reason, what it offers."""
    rows = [
        {
            "name": connector.name,
            "state": "ok",
            "version": connector.version,
            "summary": connector.summary,
            "offers": [f"{spec.kind} {spec.name}" for spec in connector.specs()],
        }
        for connector in registry.connectors.values()
    ]
    for state, reasons in (("refused", registry.refused), ("broken", registry.broken)):
        rows += [
            {"name": name, "state": state, "version": "", "summary": reason, "offers": []}
            for name, reason in reasons.items()
        ]
    return sorted(rows, key=lambda row: str(row["name"]))


def pages(registry: Registry) -> dict[str, str]:
    """File name -> Markdown: a page per connector and topic, one for the built-in steps, and an index."""
    owned = {id(spec) for connector in registry.connectors.values() for spec in connector.specs()}
    built_in = [spec for spec in registry.specs() if id(spec) not in owned]
    made = {f"{connector.name}.md": _connector_page(connector) for connector in registry.connectors.values()}
    made |= {f"{name}.md": text() for name, text in topics(registry).items()}
    if built_in:
        made["steps.md"] = "\n".join(["# Steps", "", *_sections(built_in)])
    if registry.auth:
        made["auth.md"] += "\n" + "\n".join(_sections(registry.auth.values()))
    made["index.md"] = _index(registry, built_in)
    return made


def page(registry: Registry, name: str) -> str:
    """The Markdown page of a connector, or of everything that has this name. Raises KeyError."""
    connector = registry.connectors.get(name)
    if connector is not None:
        return _connector_page(connector)
    specs = _named(registry, name)
    parts = ["\n".join([f"# {name}", "", *_sections(specs)]) + "\n"] if specs else []
    if (function := functions_of(registry).get(name)) is not None:
        parts.append(function_page(function))
    if not parts:
        raise KeyError(name)
    return "\n".join(parts)


def names(registry: Registry) -> list[str]:
    """Everything that has a page of its own."""
    specs = (spec.name for spec in registry.specs() if spec.kind != "function")
    return sorted({*registry.connectors, *specs, *functions_of(registry)})


def _named(registry: Registry, name: str) -> list[ComponentSpec]:
    """Plugins of this name; a function has a page of its own form."""
    return [spec for spec in registry.specs() if spec.name == name and spec.kind != "function"]


def _component(spec: ComponentSpec) -> dict[str, Any]:
    made: dict[str, Any] = {
        "kind": spec.kind,
        "name": spec.name,
        "summary": spec.summary,
        "text": spec.text,
        "since": spec.since,
        "fields": [_field(field) for field in fields_of(spec.config)] if spec.config else [],
    }
    actions = getattr(spec.target, "actions", None)
    if actions:
        made["actions"] = [
            {
                "name": name,
                "summary": action.summary,
                "guarantee": action.guarantee,
                "body": action.body,
                "fields": [_field(field) for field in fields_of(action.config)],
            }
            for name, action in actions.items()
        ]
    return made


def _field(field: Field) -> dict[str, Any]:
    made: dict[str, Any] = {
        "path": field.path,
        "kind": field.kind,
        "required": field.required,
        "description": field.description,
    }
    if field.default is not None:
        made["default"] = field.default
    if field.example is not None:
        made["example"] = field.example
    return made


def _index(registry: Registry, built_in: Iterable[ComponentSpec]) -> str:
    lines = ["# Reference", "", "## Connectors", ""]
    for connector in sorted(registry.connectors.values(), key=lambda c: c.name):
        lines.append(f"- [{connector.name}]({connector.name}.md): {connector.summary}")
    lines += ["", "## Steps", ""]
    lines += [f"- [{spec.name}](steps.md#{spec.name}): {spec.summary}" for spec in built_in if spec.kind == "step"]
    lines += ["", "## More", ""]
    lines += [f"- [{name}]({name}.md)" for name in topics(registry)]
    return "\n".join(lines) + "\n"


def _connector_page(connector: Connector) -> str:
    lines = [f"# {connector.name}", "", connector.summary, ""]
    config: type[BaseModel] | None = getattr(connector.connection, "Config", None)
    if config is not None:
        lines += ["## Connection", "", *field_table(fields_of(config)), ""]
    return "\n".join([*lines, *_sections(connector.specs())])


def _sections(specs: Iterable[ComponentSpec]) -> list[str]:
    lines: list[str] = []
    for spec in specs:
        title = spec.name if spec.kind == "step" else f"{_TITLES[spec.kind]} {spec.name}"
        lines += [f"## {title}", "", spec.summary, ""]
        if spec.text:
            lines += [spec.text, ""]
        if spec.config is not None:
            lines += [*field_table(fields_of(spec.config)), ""]
        lines += _actions(getattr(spec.target, "actions", {}))
    return lines


def _actions(actions: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for name, action in actions.items():
        lines += [f"### Action {name}", "", action.summary, ""]
        if action.guarantee:
            lines += [f"Guarantee `{action.guarantee}`: {_GUARANTEES[action.guarantee]}.", ""]
        lines += [*field_table(fields_of(action.config)), ""]
        lines += _with_example(fields_of(action.config), action.body)
    return lines


def _with_example(fields: Iterable[Field], body: str) -> list[str]:
    """How `with` gives the fields that must be there; nothing where one of them has no example."""
    needed = [field for field in fields if field.required and field.path != body and "." not in field.path]
    if not needed or any(field.example is None for field in needed):
        return []
    given = ", ".join(f"{field.path}: {{const: {_plain(field.example)}}}" for field in needed)
    also = f" `{body}` is what `map` makes, else the whole document." if body else ""
    return [f"Example: `with: {{{given}}}`. Without `const` a text is an expression over the data.{also}", ""]


def _plain(value: Any) -> str:
    """A value as YAML has it inside `{ }`."""
    bare = isinstance(value, str) and _BARE.fullmatch(value)
    return str(value) if bare else encode(value).decode()


def field_table(fields: Iterable[Field]) -> list[str]:
    """Lines of a Markdown table of fields."""
    rows = [_row(field) for field in fields]
    if not rows:
        return ["No fields."]
    return ["| field | kind | required | what it does |", "|---|---|---|---|", *rows]


def _row(field: Field) -> str:
    needed = "yes" if field.required else "no" + _default(field.default)
    text = field.description + (f" Example: `{field.example}`" if field.example is not None else "")
    cells = (f"`{field.path}`" if field.path else "the value itself", field.kind, needed, text)
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _default(value: Any) -> str:
    """As YAML has it; nothing to say where it is empty."""
    if value is None or value in ("", [], {}):
        return ""
    written = (
        str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else encode(value).decode()
    )
    return f", default `{written}`"

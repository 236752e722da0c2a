"""`tillflow explain`: pages about finding codes, plugins, functions and the language."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from engine.cli.language import language
from engine.cli.output import EXIT_CODES, Exit, Form, FormatOption, fail, print_json
from engine.config.nearest import suggestion
from engine.core.codes import catalogue
from engine.core.findings import Code
from engine.discover import discover
from engine.plugins import reference
from engine.plugins.registry import Registry
from engine.plugins.topics import topics

ABOUT_CODES, ABOUT_METRICS = "exit-codes", "metrics"
_ALSO_CALLED = {
    "routes": "route",
    "schema": "schemas",
    "x-tillflow": "schemas",
    "accepts": "key",
    "table": "tables",
    "connection": "connections",
    "test": "tests",
    "overlay": "overlays",
    "pack": "overlays",
    "packs": "overlays",
    "keys": "key",
    "effects": "effect",
    "plain route": "plain",
    "plain routes": "plain",
    "mapping": "mappings",
    "secret": "secrets",
}


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(explain)


def explain(
    topic: Annotated[
        str,
        typer.Argument(
            help="A finding's code (TF1101); a step type, connector, format, function or auth scheme; or steps, "
            "functions, mappings, route, schemas, tables, tests and others. Empty: the whole list."
        ),
    ] = "",
    form: FormatOption = Form.HUMAN,
) -> None:
    """Explain a finding's code, with a wrong and a right example, or a part of the language."""
    code = catalogue().get(topic.upper())
    if code is not None:
        _code(code, form)
        return
    registry = discover()
    topic = _ALSO_CALLED.get(topic.lower(), topic)
    if topic == ABOUT_CODES:
        _text(topic, _exit_codes(), form)
    elif topic == ABOUT_METRICS:
        from engine.console.metrics import page

        _text(topic, page(), form)
    elif topic in (pages := {**language(), **topics(registry)}):
        _text(topic, pages[topic](), form)
    elif topic in reference.names(registry):
        _plugin(registry, topic, form)
    elif topic:
        _unknown(topic, [*pages, ABOUT_CODES, ABOUT_METRICS, *reference.names(registry), *catalogue()])
    else:
        _text("topics", _overview([*pages, ABOUT_CODES, ABOUT_METRICS]), form)


def _unknown(topic: str, known: list[str]) -> None:
    ends = [one for one in known if one.rpartition(".")[2] == topic.lower()]  # `http` of core.http
    near = ends[0] if ends else suggestion(topic, known) or suggestion(topic.upper(), catalogue())
    advice = f"did you mean `{near}`? " if near else ""
    fail(
        f"nothing is called {topic!r}: no finding code, no topic, no installed plugin and no function",
        Exit.USAGE,
        f"{advice}`tillflow explain` without a word lists what there is",
    )


def _code(page: Code, form: Form) -> None:
    if form is Form.JSON:
        print_json({name: getattr(page, name) for name in ("code", "title", "why", "wrong", "right")})
    else:
        sys.stdout.write(_page(page))


def _page(page: Code) -> str:
    def block(text: str) -> str:
        return "\n".join(f"    {line}" for line in text.strip("\n").splitlines())

    return f"{page.code}: {page.title}\n\n{page.why}\n\nWrong:\n{block(page.wrong)}\n\nRight:\n{block(page.right)}\n"


def _plugin(registry: Registry, name: str, form: Form) -> None:
    if form is Form.JSON:
        print_json(reference.describe(registry, name))
    else:
        sys.stdout.write(reference.page(registry, name))


def _text(topic: str, text: str, form: Form) -> None:
    if form is Form.JSON:
        print_json({"topic": topic, "text": text})
    else:
        sys.stdout.write(text)


def _exit_codes() -> str:
    head = (
        "# Exit codes\n\nThey never change their meaning. With `--format json` a command that fails before it has an answer "
        'prints\n`{"error": {"text": .., "help": .., "exit_code": ..}}`; what it says to people goes to stderr.\n\n'
    )
    return head + "".join(f"{int(code):>3}  {meaning}\n" for code, meaning in EXIT_CODES.items())


def _overview(names: list[str]) -> str:
    codes = sorted(catalogue())
    lines = [f"  tillflow explain {name}" for name in names]
    last = f"  tillflow explain {codes[0]}  (a finding's code; there are {len(codes)}, up to {codes[-1]})"
    one = "  tillflow explain enrich      (any step type, connector, format, function or auth scheme)"
    return "\n".join(["What can be explained:", "", *lines, one, last, ""])

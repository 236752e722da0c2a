"""`tillflow`: the command line. One module per command group; this one puts them together and sets the exit code."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from itertools import pairwise

import typer

from engine.cli.output import EXIT_CODES, Exit, FindingForm, err, escape
from engine.core.errors import ConfigError, SettingsError, StoreDown, TillflowError

# Which module brings which commands: only the one that is asked for is imported, `validate` needs no web server.
GROUPS: dict[str, tuple[str, ...]] = {
    "init": ("init",),
    "check": ("validate", "fmt", "schema"),
    "rendering": ("render",),
    "explain": ("explain",),
    "tests": ("test",),
    "tryout": ("eval", "dry-run"),
    "run": ("run", "status"),
    "doctor": ("doctor",),
    "revisions": ("plan", "apply", "history", "diff", "rollback"),
    "trace": ("trace",),
    "work": ("work",),
    "demo": ("demo",),
    "dev": ("dev",),
    "plugins": ("connectors", "new"),
    "topology": ("topology",),
}


def application(command: str = "") -> typer.Typer:
    """The command line with the group `command` belongs to; with all of them where it belongs to none."""
    app = typer.Typer(
        name="tillflow",
        help="Move business events between tills, shop, warehouse and ERP: declared in YAML, posted exactly once.",
        epilog="`tillflow explain` tells of steps, functions, mappings, connectors and finding codes. Exit codes: "
        + "; ".join(f"{int(code)} {meaning}" for code, meaning in EXIT_CODES.items()),
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_tillflow)
    for group in [group for group, commands in GROUPS.items() if command in commands] or GROUPS:
        import_module(f"engine.cli.{group}").add_to(app)
    return app


def _tillflow() -> None:
    """Keeps a group of one command from becoming the whole command line."""


def main() -> None:
    """Entry point. Whatever happens, a person gets a sentence and the caller a stable exit code."""
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        # What it answers: the exit code of a command that ended itself, else what the command returned.
        code = application(command)(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else Exit.OK)
    except typer.Abort:
        sys.exit(Exit.INTERRUPTED)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:
        sys.exit(Exit.OK)
    except Exception as error:
        sys.exit(_told(error))


def entry() -> None:
    """`main` for a process of its own. After `validate` the system takes the memory back at once: letting go of a large
    project object by object would take longer than checking it took.
    """
    if sys.argv[1:2] != ["validate"]:
        main()
        return
    try:
        main()
    except SystemExit as end:
        with suppress(BrokenPipeError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)


def _told(error: Exception) -> int:
    """Print an error as people read it and answer the exit code."""
    if hasattr(error, "exit_code") and hasattr(error, "show"):  # the option parser's own errors
        error.show()
        return int(Exit.USAGE)
    console = err()
    if isinstance(error, ConfigError):
        from engine.cli.findings import show

        show(error.findings, _form(), error.sources)
        return int(Exit.FAILED)
    console.print(f"[bold red]error[/]: {escape(_sentence(error))}")
    if isinstance(error, StoreDown | ConnectionError):
        return int(Exit.UNREACHABLE)
    if isinstance(error, SettingsError | OSError):
        return int(Exit.USAGE)
    return int(Exit.FAILED)


def _form() -> FindingForm:
    """Findings come in the form the command was asked for, whatever it would have printed without them."""
    words = sys.argv[1:]
    asked = "--format=json" in words or ("--format", "json") in pairwise(words)
    return FindingForm.JSON if asked else FindingForm.HUMAN


def _sentence(error: Exception) -> str:
    if isinstance(error, TillflowError):
        return str(error)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    return f"{type(error).__name__}: {error}. This is a defect of the engine; nothing was changed by this command."

"""`tillflow`: the command line. One module per command group; this one puts them together and sets the exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from itertools import pairwise
from typing import Annotated

import typer

from engine import __version__
from engine.cli import streams
from engine.cli.output import EXIT_CODES, Exit, FindingForm, begin, end, err, escape
from engine.core.errors import ConfigError, SettingsError, StoreDown, TillflowError
from engine.core.garbage import collecting_later

# Which module brings which commands: only the one that is asked for is imported, `validate` needs no web server.
GROUPS: dict[str, tuple[str, ...]] = {
    "init": ("init",),
    "check": ("validate", "fmt", "schema"),
    "rendering": ("render",),
    "packs": ("packs",),
    "explain": ("explain",),
    "tests": ("test",),
    "tryout": ("eval", "dry-run"),
    "run": ("run",),
    "status": ("status",),
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
    for group in _groups(command):
        with collecting_later():
            import_module(f"engine.cli.{group}").add_to(app)
    return app


def _groups(command: str) -> Iterable[str]:
    """What must be imported to carry it out; help needs all, and the version any."""
    if command == "--version":
        return ["run"]
    return [group for group, commands in GROUPS.items() if command in commands] or GROUPS


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"tillflow {__version__}\n")
        raise typer.Exit


def _tillflow(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Keeps a group of one command from becoming the whole command line."""


def main() -> None:
    """Entry point. Whatever happens, a person gets a sentence and the caller a stable exit code."""
    begin()
    try:
        code = _carried_out(sys.argv[1] if len(sys.argv) > 1 else "")
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads any more
        code = int(Exit.OK)
        streams.give_up()
    except OSError as error:
        code = _unwritten(error)
    sys.exit(code)


def _carried_out(command: str) -> int:
    """Do what is asked and answer the exit code; one that was asked for JSON has printed a document by then."""
    text = ""
    try:
        # What it answers: the exit code of a command that ended itself, else what the command returned.
        answer = application(command)(standalone_mode=False)
        code = answer if isinstance(answer, int) else Exit.OK
    except (typer.Abort, KeyboardInterrupt):
        code, text = Exit.INTERRUPTED, "interrupted"
    except BrokenPipeError:
        raise
    except Exception as error:
        streams.give_up()
        code, text = _told(error), _sentence(error)
    if _form() is FindingForm.JSON:
        end(int(code), text)
    return int(code)


def entry() -> None:
    """`main` for a process of its own, with all standard streams.

    `validate` makes one large project and ends: garbage is never looked for, and the system takes the memory back at
    once. Letting go of it object by object would take longer than checking it took.
    """
    streams.begin()
    if sys.argv[1:2] != ["validate"]:
        main()
        return
    with collecting_later():
        try:
            main()
        except SystemExit as left:
            with suppress(OSError):  # it was told, where it could be
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(left.code if isinstance(left.code, int) else 1)


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
    return _code(error)


def _unwritten(error: OSError) -> int:
    """Output or errors could not be written: told where it still can be."""
    streams.give_up()
    with suppress(OSError):
        return _told(error)
    streams.give_up()
    return _code(error)


def _code(error: Exception) -> int:
    if isinstance(error, StoreDown | ConnectionError) or _is_full(error):
        return int(Exit.UNREACHABLE)
    if isinstance(error, SettingsError | OSError):
        return int(Exit.USAGE)
    return int(Exit.FAILED)


def _is_full(error: Exception) -> bool:
    """The disk takes nothing now: that passes, and whoever is kept running tries again."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _form() -> FindingForm:
    """Findings come in the form the command was asked for, whatever it would have printed without them."""
    words = sys.argv[1:]
    asked = "--format=json" in words or ("--format", "json") in pairwise(words)
    return FindingForm.JSON if asked else FindingForm.HUMAN


def _sentence(error: Exception) -> str:
    if hasattr(error, "format_message"):  # the option parser's own errors
        return str(error.format_message())
    if isinstance(error, TillflowError):
        return str(error)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    return f"{type(error).__name__}: {error}. This is a defect of the engine; nothing was changed by this command."

"""`tillflow`: the command line. One module per command group; this one puts them together and sets the exit code."""

from __future__ import annotations

import sys

import typer

from engine.cli import check, demo, init, plugins, run, tests, trace, tryout, work
from engine.cli.output import Exit, err, escape
from engine.core.errors import ConfigError, SettingsError, StoreDown, TillflowError

app = typer.Typer(
    name="tillflow",
    help="Move business events between tills, shop, warehouse and ERP: declared in YAML, posted exactly once.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
init.add_to(app)
check.add_to(app)
tests.add_to(app)
tryout.add_to(app)
run.add_to(app)
trace.add_to(app)
work.add_to(app)
demo.add_to(app)
plugins.add_to(app)


def main() -> None:
    """Entry point. Whatever happens, a person gets a sentence and the caller a stable exit code."""
    try:
        code = app(standalone_mode=False)  # the exit code of a command that ended itself, else what it returned
        sys.exit(code if isinstance(code, int) else Exit.OK)
    except typer.Abort:
        sys.exit(Exit.INTERRUPTED)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:
        sys.exit(Exit.OK)
    except Exception as error:
        sys.exit(_told(error))


def _told(error: Exception) -> int:
    """Print an error as people read it and answer the exit code."""
    if hasattr(error, "exit_code") and hasattr(error, "show"):  # the option parser's own errors
        error.show()
        return int(Exit.USAGE)
    console = err()
    if isinstance(error, ConfigError):
        from engine.cli.findings import show

        show(error.findings)
        return int(Exit.FAILED)
    console.print(f"[bold red]error[/]: {escape(_sentence(error))}")
    if isinstance(error, StoreDown | ConnectionError):
        return int(Exit.UNREACHABLE)
    if isinstance(error, SettingsError | OSError):
        return int(Exit.USAGE)
    return int(Exit.FAILED)


def _sentence(error: Exception) -> str:
    if isinstance(error, TillflowError):
        return str(error)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    return f"{type(error).__name__}: {error}. This is a defect of the engine; nothing was changed by this command."

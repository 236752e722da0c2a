"""Libraries that only some rules need: the extra `compliance` brings them. Without one a rule says so, nothing breaks."""

from __future__ import annotations

from importlib.util import find_spec

from engine.sdk import Build, Permanent, Refused

HELP = "pip install 'tillflow[compliance]'"


def installed(library: str) -> bool:
    """Whether the library can be imported."""
    return find_spec(library) is not None


def _missing(library: str, what: str) -> str:
    return f"{what} needs the library `{library}`, which is not installed"


def announce(build: Build, library: str, what: str) -> None:
    """A finding of the step being built when its library is not there."""
    if not installed(library):
        build.finding("TF5050", _missing(library, what), help=HELP)


def require(library: str, what: str) -> None:
    """Raises Permanent `library-missing` at run time: for a step that was compiled where the library was."""
    if not installed(library):
        raise Permanent("library-missing", f"{_missing(library, what)}: {HELP}")


def require_for_function(library: str, what: str) -> None:
    """The same for a function of an expression. Raises Refused."""
    if not installed(library):
        raise Refused(f"{_missing(library, what)}: {HELP}", "invalid-value")

"""Libraries that only some rules need. Where one was left out of an installation a rule says so, and nothing breaks."""

from __future__ import annotations

from importlib.util import find_spec

from engine.sdk import Build, Permanent, Refused

_PACKAGES = {"stdnum": "python-stdnum"}  # those whose package has another name


def _help(library: str) -> str:
    return f"pip install {_PACKAGES.get(library, library)}"


def installed(library: str) -> bool:
    """Whether the library can be imported."""
    return find_spec(library) is not None


def _missing(library: str, what: str) -> str:
    return f"{what} needs the library `{library}`, which is not installed"


def announce(build: Build, library: str, what: str) -> None:
    """A finding of the step being built when its library is not there."""
    if not installed(library):
        build.finding("TF5050", _missing(library, what), help=_help(library))


def require(library: str, what: str) -> None:
    """Raises Permanent `library-missing` at run time: for a step that was compiled where the library was."""
    if not installed(library):
        raise Permanent("library-missing", f"{_missing(library, what)}: {_help(library)}")


def require_for_function(library: str, what: str) -> None:
    """The same for a function of an expression. Raises Refused."""
    if not installed(library):
        raise Refused(f"{_missing(library, what)}: {_help(library)}", "invalid-value")

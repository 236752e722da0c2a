"""The package `tillflow new connector` lays down: complete and passing its contract, for the author to make their own."""

from __future__ import annotations

from importlib.resources import files
from string import Template

from engine.plugins.spec import API, NAME


def connector_files(name: str) -> dict[str, str]:
    """Path -> text of a package for a connector called `name`. Raises ValueError when that is not a name."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a connector")
    package = "tillflow_" + name.replace(".", "_")
    words = "".join(part.capitalize() for part in name.replace(".", "_").split("_"))
    values = {
        "name": name,
        "package": package,
        "distribution": package.replace("_", "-"),
        "words": words,
        "api": str(API),
    }
    made: dict[str, str] = {}
    for entry in (files("engine.cli") / "scaffold_files").iterdir():
        if entry.name.endswith(".txt"):
            path = entry.name.removesuffix(".txt").replace("--", "/").replace("PACKAGE", package)
            made[path] = Template(entry.read_text("utf-8")).substitute(values)
    return made

"""Reading a Project: every file of a folder once. Nothing is built from them here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from engine.config.assemble import assemble
from engine.config.loaded import Loaded, Project
from engine.config.scan import scan
from engine.core.findings import Finding, in_order

__all__ = ["Loaded", "Project", "read_project", "read_project_from"]


def read_project(root: Path | str, env: Mapping[str, str]) -> tuple[Project, list[Finding]]:
    """Read the folder. Every problem of form is a finding; what could be read is in the Project all the same."""
    files, findings = scan(Path(root))
    if not files:
        return Project(), in_order(findings)
    project, more = read_project_from(files, env)
    return project, in_order(findings + more)


def read_project_from(files: Mapping[str, bytes], env: Mapping[str, str]) -> tuple[Project, list[Finding]]:
    """The same from bytes by path (with /): how a recorded revision is read back."""
    return assemble(MappingProxyType(dict(files)), env)

"""Printing findings in each of their forms."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence

from engine.cli.output import FindingForm, err, plain, print_document
from engine.config import render
from engine.core.findings import Finding, in_order


def show(
    findings: Sequence[Finding],
    form: FindingForm = FindingForm.HUMAN,
    sources: Mapping[str, bytes] | None = None,
) -> None:
    """Findings to stdout in a machine's form, or as excerpts with carets for people."""
    ordered = in_order(findings)
    if form is FindingForm.JSON:
        print_document(render.as_json(ordered))
    elif form is FindingForm.SARIF:
        sys.stdout.write(render.as_sarif(ordered) + "\n")
    elif form is FindingForm.GITHUB:
        sys.stdout.write(render.as_github(ordered))
    else:
        width = shutil.get_terminal_size((100, 40)).columns
        colour = sys.stdout.isatty() and not plain()
        sys.stdout.write(render.as_text(ordered, sources or {}, width=width, colour=colour))


def summary(findings: Sequence[Finding], files: int, seconds: float) -> None:
    """One line at the end, to stderr."""
    errors = sum(f.severity == "error" for f in findings)
    warnings = len(findings) - errors
    told = ", ".join(
        f"{count} {name}{'' if count == 1 else 's'}"
        for count, name in ((errors, "error"), (warnings, "warning"))
        if count
    )
    err().print(f"{told or 'no findings'} in {files} files ({seconds:.2f} s)")

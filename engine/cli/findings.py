"""Printing findings in each of their forms."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence

from engine.cli.output import FindingForm, err, plain, print_document
from engine.config import render
from engine.core.findings import Finding, in_order
from engine.core.visible import visible_json
from engine.core.wording import counted


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
        sys.stdout.write(visible_json(render.as_sarif(ordered)) + "\n")
    elif form is FindingForm.GITHUB:
        sys.stdout.write(render.as_github(ordered))
    else:
        width = shutil.get_terminal_size((100, 40)).columns
        colour = sys.stdout.isatty() and not plain()
        first = sorted(ordered, key=lambda finding: finding.severity != "error")  # a warning may only follow from one
        sys.stdout.write(render.as_text(first, sources or {}, width=width, colour=colour))


def summary(findings: Sequence[Finding], files: int, seconds: float) -> None:
    """One line at the end, to stderr."""
    errors = sum(f.severity == "error" for f in findings)
    warnings = len(findings) - errors
    told = ", ".join(counted(count, name) for count, name in ((errors, "error"), (warnings, "warning")) if count)
    err().print(f"{told or 'no findings'} in {counted(files, 'file')} ({seconds:.2f} s)")

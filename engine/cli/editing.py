"""The new body of a work item: from a file, from standard input, or from the person's editor."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from engine.cli.given import given
from engine.cli.output import Exit, fail, pretty


def edited(before: Any, file: Path | None) -> str:
    """What is in the file, else what the person saved in their editor."""
    if file is not None:
        return _read(file)
    if not sys.stdin.isatty():
        fail(
            "there is no terminal for an editor", Exit.USAGE, "give the new body with --file; `-` reads standard input"
        )
    editor = os.environ.get("EDITOR", "vi")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "body.json"
        path.write_text(before if isinstance(before, str) else pretty(before), encoding="utf-8")
        if subprocess.run([*editor.split(), str(path)], check=False).returncode:
            fail(f"{editor} ended with an error", help="nothing was changed; give the new body with --file")
        return path.read_text(encoding="utf-8")


def _read(file: Path) -> str:
    raw = given(file)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        fail(f"the new body is not UTF-8 text: {file}", Exit.USAGE, "nothing was changed; save it as UTF-8")

"""Print all benches."""

from __future__ import annotations

import platform
import sqlite3
import sys
from importlib.metadata import version
from pathlib import Path

from tests.bench import embedded, expressions, isolation, regions, relay, reload, served, steps, validation

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    packages = ", ".join(f"{name} {version(name)}" for name in ("jmespath", "msgspec", "jsonschema-rs", "pydantic"))
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}\n")
    for bench in (expressions, steps, validation, regions, embedded, reload, relay, served, isolation):
        bench.run(ROOT)
        print()
    sys.stdout.flush()


if __name__ == "__main__":  # the process that sends imports this too
    main()

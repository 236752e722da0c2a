"""`python -m engine.cli` is `tillflow`."""

from engine.cli.main import entry

entry()

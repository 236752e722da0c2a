"""tillflow: a declarative routing engine for retail."""

__version__ = "0.1.0"

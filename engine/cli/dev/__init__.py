"""`tillflow dev`: a project at work on nothing but local stand-ins, while its files are being written."""

from engine.cli.dev.command import add_to

__all__ = ["add_to"]

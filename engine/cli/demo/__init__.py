"""`tillflow demo`: a business day of several stores through the shipped routes, to its end."""

from engine.cli.demo.command import add_to

__all__ = ["add_to"]

"""`tillflow dev`: a project at work on nothing but local stand-ins, while its files are being written.

command     the command
session     one run: an engine on a temporary folder
standins    sources and sinks that stay in the process
events      files dropped for routes that subscribe
answers     what calls are answered
taps        what passes, looked at
screen      what is shown of it
"""

from engine.cli.dev.command import add_to

__all__ = ["add_to"]

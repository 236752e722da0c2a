"""`tillflow demo`: a business day of several stores through the shipped routes, to its end.

command     the command
story       what happens on the day
receipts    receipts made up from a seed
files       as the files tills write
ground      a copy of the project that reaches nothing else
stand_in    payment and loyalty services over HTTP
day         running it to its end
totals      every record counted once, to the cent
"""

from engine.cli.demo.command import add_to

__all__ = ["add_to"]

"""Signs of other languages for calculating, which an expression has none of: the functions that do it here."""

from __future__ import annotations

from collections.abc import Mapping

INSTEAD: Mapping[str, str] = {
    "+": "add amounts with money_add(a, b), join texts with concat(a, b)",
    "-": "subtract with money_sub(a, b)",
    "*": "multiply with money_mul(a, b)",
    "/": "divide with money_div(a, b)",
}
_OTHER = "calculate with functions: money_add, money_sub, money_mul and money_div; `tillflow explain functions`"


def instead_of(text: str, at: int) -> str:
    """What to write instead of the sign at this offset."""
    advice = INSTEAD.get(text[at], _OTHER)
    if text[at] == "-" and _in_a_word(text, at):
        return f"{advice}; a name with a dash stands in double quotes"
    return advice


def _in_a_word(text: str, at: int) -> bool:
    """Letters or digits stand on both sides, as in `receipt-no`."""
    around = text[max(0, at - 1) : at] + text[at + 1 : at + 2]
    return len(around) == 2 and all(char.isalnum() or char == "_" for char in around)

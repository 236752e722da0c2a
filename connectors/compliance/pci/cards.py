"""Card numbers in texts: 13 to 19 digits, also in groups, that a card network issues and that pass the Luhn check."""

from __future__ import annotations

import re

SHORTEST, LONGEST, SEEN_LAST = 13, 19, 4
_RUN = re.compile(r"(?<![0-9])(?<![0-9]\.)[0-9](?:[ \u00a0\u2011-]?[0-9]){12,}+")
_GROUP = re.compile(r"[0-9]+")
_HASH = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{32,}")  # and UUIDs
_TRADE_ITEM = re.compile(r"(?:\b(?:gtin|ean|upc|itf|barcode|sku)[-\w]{0,4}\W{0,4}|\(0[12]\))\Z", re.IGNORECASE)
# What networks issue, by leading digits and length: without it every tenth order number would be a card.
_ISSUED = re.compile(
    r"4[0-9]{12,18}|5[1-5][0-9]{14}|(?:222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"
    r"|220[0-4][0-9]{12,15}|3[47][0-9]{13}|3(?:0[0-59][0-9]|[689][0-9]{2})[0-9]{10,15}"
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12,15}|(?:50|5[6-9]|6[0-9])[0-9]{14,17}|8[12][0-9]{14}|9792[0-9]{12}"
)
_GS1 = (13, 18)
_CASE = 14
_AMEX = 15


def luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        doubled = int(char) * (2 if place % 2 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def is_card(digits: str) -> bool:
    """Whether these digits alone are a card number. A GTIN-13 or SSCC with a right check digit is none."""
    if not SHORTEST <= len(digits) <= LONGEST or _ISSUED.fullmatch(digits) is None or not luhn(digits):
        return False
    return len(digits) not in _GS1 or not _gs1(digits)


def _gs1(digits: str) -> bool:
    return sum(int(char) * (3 if place % 2 else 1) for place, char in enumerate(reversed(digits))) % 10 == 0


def cards(text: str) -> list[tuple[int, int]]:
    """Where card numbers stand in a text: (start, end)."""
    found: list[tuple[int, int]] = []
    for run in _RUN.finditer(text):
        found += _in_run(run[0], run.start())
    if not found:
        return found
    hashes = [known.span() for known in _HASH.finditer(text)]
    return [one for one in found if not any(a <= one[0] < b for a, b in hashes) and not _trade_item(text, *one)]


def _trade_item(text: str, start: int, end: int) -> bool:
    """14 digits with a right GS1 check digit behind a word that names a trade item: a GTIN of a case, not a Diners card."""
    digits = text[start:end]
    return len(digits) == _CASE and _gs1(digits) and _TRADE_ITEM.search(text, max(0, start - 20), start) is not None


def _in_run(run: str, offset: int) -> list[tuple[int, int]]:
    """Card numbers among the groups of a run; the longest that begins with a group."""
    groups = [(one.start(), one.end()) for one in _GROUP.finditer(run)]
    found, first = [], 0
    while first < len(groups):
        most = min(len(groups), first + LONGEST)
        last = next((at for at in range(most - 1, first - 1, -1) if _card_of(run, groups[first : at + 1])), None)
        if last is None:
            first += 1
            continue
        found.append((offset + groups[first][0], offset + groups[last][1]))
        first = last + 1
    return found


def _card_of(run: str, groups: list[tuple[int, int]]) -> bool:
    return is_card("".join(run[start:end] for start, end in groups))


def shortened(text: str, first: int) -> str:
    """The text with each card number's digits hidden but the first few and the last four; spaces and dashes stay."""
    out, done = [], 0
    for start, end in cards(text):
        out += [text[done:start], _stars(text[start:end], first)]
        done = end
    return "".join((*out, text[done:]))


def _stars(card: str, first: int) -> str:
    size = sum(char.isdigit() for char in card)
    kept = min(first, 6) if size <= _AMEX else first
    out, seen = [], 0
    for char in card:
        seen += char.isdigit()
        hidden = char.isdigit() and kept < seen <= size - SEEN_LAST
        out.append("*" if hidden else char)
    return "".join(out)

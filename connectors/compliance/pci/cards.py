"""Card numbers in texts, also in groups. What is one, the engine says, which masks them at the first write."""

from __future__ import annotations

import re

from engine.sdk import gs1_check, is_pan

LONGEST, SEEN_LAST = 19, 4
_RUN = re.compile(r"(?<![0-9])(?<![0-9]\.)[0-9](?:[ \u00a0\u2011-]?[0-9]){12,}+")
_GROUP = re.compile(r"[0-9]+")
_HASH = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{32,}")  # and UUIDs
_TRADE_ITEM = re.compile(r"(?:\b(?:gtin|ean|upc|itf|barcode|sku)[-\w]{0,4}\W{0,4}|\(0[12]\))\Z", re.IGNORECASE)
_CASE = 14
_AMEX = 15


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
    return (
        len(digits) == _CASE and gs1_check(digits) and _TRADE_ITEM.search(text, max(0, start - 20), start) is not None
    )


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
    return is_pan("".join(run[start:end] for start, end in groups))


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

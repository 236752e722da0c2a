"""Masking of card numbers, mail addresses and phone numbers. Pure, and fast where there is nothing to mask.

A card number (PAN) is 13 to 19 digits, possibly grouped by single spaces or dashes, four groups of four also by dots, in
full-width digits too, that begin as a card network's numbers of that length do and pass the Luhn check. The network's ranges matter: the Luhn check alone would destroy
every tenth order number. First six and last four digits stay (PCI DSS 3.4.1). Not recognised: a card number inside
base64, or glued to other digits without a separator.

Digits that stay as they are: 13 and 18 digits with a valid GS1 check digit (GTIN-13, SSCC), 14 such digits under a key
that names a trade item, UUIDs, hexadecimal hashes, and the fraction of a decimal number. A whole JSON number of 13
digits stays too: card numbers of that length are extinct, order ids of that length are everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

HIDDEN = "***"
SHORTEST, LONGEST = 13, 19

_RUN = re.compile(r"[0-9](?:[ \u00a0\u2011-]?+[0-9]){12,}+")  # possessive: a date is no reason to try again
_DOTTED = re.compile(
    r"(?<![0-9])(?<![0-9]\.)[0-9]{4}(?:\.[0-9]{4}){3}(?!\.?[0-9])"
)  # other dots are decimals, dates, versions
_WIDE = {0xFF10 + digit: str(digit) for digit in range(10)}
_GROUP = re.compile(r"[0-9]+")
_HEX = re.compile(r"[0-9A-Fa-f-]+")
_HEX_CHARS = frozenset("0123456789abcdefABCDEF-")
_KNOWN_ID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{32,}")
_NUMBER = re.compile(r"[+-]?[0-9]+[.,][0-9]+")
_EMAIL = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}")
_PHONE = re.compile(r"(?<![0-9A-Za-z])(?:\+|00)[1-9](?:[ ().\u00a0/-]{0,2}[0-9]){6,14}(?![0-9A-Za-z])")
_TRADE_ITEM = frozenset({"gtin", "ean", "upc", "barcode", "sku", "itf14", "sscc"})

_URL_PASSWORD = re.compile(
    r"(?<=://)([^\s/@:\"'?#]*):([^\s/@\"'{}]+)(?=@)"
)  # one from the environment is no secret yet

MOST_GROUPS = 6
LEAST = 10**13  # smallest whole number that may be a card number: 14 digits
# (lengths, first, last): the leading digits networks issue.
_NETWORKS: tuple[tuple[range, str, str], ...] = (
    (range(13, 20), "4", "4"),  # Visa
    (range(16, 17), "51", "55"),  # Mastercard
    (range(16, 17), "2221", "2720"),
    (range(16, 20), "2200", "2204"),  # Mir
    (range(15, 16), "34", "34"),  # American Express
    (range(15, 16), "37", "37"),
    (range(14, 15), "300", "305"),  # Diners
    (range(14, 15), "309", "309"),
    (range(14, 15), "36", "36"),
    (range(14, 15), "38", "39"),
    (range(16, 20), "300", "305"),
    (range(16, 20), "36", "36"),
    (range(16, 20), "3528", "3589"),  # JCB
    (range(16, 20), "50", "50"),  # Maestro, RuPay, Elo
    (range(16, 20), "56", "69"),  # Maestro, Discover, UnionPay, RuPay
    (range(16, 17), "81", "82"),  # RuPay, UnionPay
    (range(16, 17), "9792", "9792"),  # Troy
)
_BY_SIZE = {
    size: tuple((len(low), low, high) for sizes, low, high in _NETWORKS if size in sizes)
    for size in range(SHORTEST, LONGEST + 1)
}
_FIRST = {
    size: {str(digit) for _, low, high in rules for digit in range(int(low[0]), int(high[0]) + 1)}
    for size, rules in _BY_SIZE.items()
}
_DOUBLED = bytes((2 * d) // 10 + (2 * d) % 10 for d in range(10))


def luhn(digits: str) -> bool:
    """True when the digits end in a valid Luhn check digit."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = ord(digit) - 48
        total += _DOUBLED[value] if position % 2 else value
    return total % 10 == 0


def gs1_check(digits: str) -> bool:
    """True when the digits end in a valid GS1 check digit (GTIN, SSCC, GLN)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        total += (ord(digit) - 48) * (3 if position % 2 else 1)
    return total % 10 == 0


def is_pan(digits: str) -> bool:
    """True when these digits alone are a card number."""
    size = len(digits)
    if not SHORTEST <= size <= LONGEST or not _issued(digits, size) or not luhn(digits):
        return False
    return size not in (13, 18) or not gs1_check(digits)


def _issued(digits: str, size: int) -> bool:
    if digits[0] not in _FIRST[size]:
        return False
    return any(low <= digits[:length] <= high for length, low, high in _BY_SIZE[size])


def shorten_pan(digits: str) -> str:
    """`4111111111111111` -> `411111******1111`."""
    return digits[:6] + "*" * (len(digits) - 10) + digits[-4:]


def mask_pan_text(text: str) -> str:
    """The text with every card number in it shortened; the same object when there is none."""
    if len(text) < SHORTEST:
        return text
    if text.isdecimal() and text.isascii():
        return shorten_pan(text) if is_pan(text) else text
    if not text.isascii() and (narrow := text.translate(_WIDE)) != text:
        masked = mask_pan_text(narrow)
        return text if masked is narrow else masked
    if "." in text:
        text = _mask_dotted(text)
    if _RUN.search(text) is None:
        return text
    if _NUMBER.fullmatch(text) and not is_pan(re.split("[.,]", text.lstrip("+-"))[0]):
        return text
    masked = _RUN.sub(_mask_run, text)
    return text if masked == text else masked


def _mask_dotted(text: str) -> str:
    masked = _DOTTED.sub(lambda found: _shorten(found[0]) if is_pan(found[0].replace(".", "")) else found[0], text)
    return text if masked == text else masked


def _mask_run(match: re.Match[str]) -> str:
    run = match[0]
    groups = [(group.start(), group.end()) for group in _GROUP.finditer(run)]
    out: list[str] = []
    done = first = 0
    while first < len(groups):
        start = groups[first][0]
        last = _pan_from(run, groups, first)
        if last is None or _identifier(match.string, match.start() + start):
            first += 1
            continue
        end = groups[last][1]
        out += (run[done:start], _shorten(run[start:end]))
        done, first = end, last + 1
    return "".join((*out, run[done:])) if out else run


def _pan_from(run: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """Index of the group that ends a card number which begins with group `first`."""
    digits = ""
    for last in range(first, min(len(groups), first + MOST_GROUPS)):
        digits += run[groups[last][0] : groups[last][1]]
        if len(digits) > LONGEST:
            return None
        if is_pan(digits):
            return last
    return None


def _identifier(text: str, at: int) -> bool:
    """True when the digits at `at` belong to a UUID or a hexadecimal hash."""
    start = at
    while start > max(0, at - 128) and text[start - 1] in _HEX_CHARS:
        start -= 1
    token = _HEX.match(text, start)
    return token is not None and any(
        known.start() <= at - start < known.end() for known in _KNOWN_ID.finditer(token[0])
    )


def _shorten(piece: str) -> str:
    size = sum(char.isdigit() for char in piece)
    seen, out = 0, []
    for char in piece:
        if char.isdigit():
            seen += 1
            out.append(char if seen <= 6 or seen > size - 4 else "*")
        else:
            out.append(char)
    return "".join(out)


def mask_email_text(text: str) -> str:
    """`anna@example.org` -> `a***@example.org`, wherever it stands in the text."""
    if "@" not in text:
        return text
    return _EMAIL.sub(lambda match: match[0][0] + HIDDEN + match[0][match[0].index("@") :], text)


def mask_phone_text(text: str) -> str:
    """Numbers written with their country code (`+34 600 123 456`, `0034..`): all but the last two digits."""
    if len(text) < 8 or ("+" not in text and "00" not in text):
        return text
    return _PHONE.sub(lambda match: hide_digits(match[0]), text)


def hide_digits(text: str) -> str:
    """Every digit but the last two becomes `*`."""
    left = sum(char.isdigit() for char in text)
    out = []
    for char in text:
        if char.isdigit():
            out.append("*" if left > 2 else char)
            left -= 1
        else:
            out.append(char)
    return "".join(out)


def mask_value(value: Any) -> Any:
    """A JSON value with every card number in it shortened, in keys too. Copies only what changes."""
    return value if _all_clean((value,)) else _masked(value, "")


def _all_clean(items: Iterable[Any]) -> bool:
    """Nothing in these can be a card number. Quick: every event is looked through before it is first written."""
    for item in items:
        kind = type(item)
        if kind is str:
            if len(item) >= SHORTEST and mask_pan_text(item) is not item:
                return False
        elif kind is Decimal:
            if item.adjusted() >= SHORTEST:
                return False
        elif kind is dict:
            if not (_all_clean(item) and _all_clean(item.values())):
                return False
        elif kind is list:
            if not _all_clean(item):
                return False
        elif kind is int and not -LEAST < item < LEAST:
            return False
    return True


def _masked(value: Any, key: str) -> Any:
    kind = type(value)
    if kind is str:
        return value if len(value) < SHORTEST or _trade_item(value, key) else mask_pan_text(value)
    if kind is int:
        return value if -LEAST < value < LEAST else _masked_number(value, key)
    if kind is dict:
        return _masked_object(value)
    if kind is list:
        return _masked_list(value, key)
    return _masked_number(value, key) if kind is Decimal and value.adjusted() >= 13 else value


def _masked_object(value: dict[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] | None = None
    renamed = False
    for key, item in value.items():
        if len(key) >= SHORTEST and mask_pan_text(key) is not key:
            renamed = True
        masked = _masked(item, key)
        if masked is not item:
            changed = dict(value) if changed is None else changed
            changed[key] = masked
    result = value if changed is None else changed
    return {mask_pan_text(key): item for key, item in result.items()} if renamed else result


def _masked_list(value: list[Any], key: str) -> list[Any]:
    changed: list[Any] | None = None
    for index, item in enumerate(value):
        masked = _masked(item, key)
        if masked is not item:
            changed = list(value) if changed is None else changed
            changed[index] = masked
    return value if changed is None else changed


def _masked_number(value: int | Decimal, key: str) -> Any:
    if not LEAST <= value < 10**LONGEST or value != int(value):
        return value
    digits = str(int(value))
    return shorten_pan(digits) if is_pan(digits) and not _trade_item(digits, key) else value


def _trade_item(text: str, key: str) -> bool:
    """14 digits with a valid GS1 check digit under a key that names a trade item: a case GTIN, not a Diners card."""
    return len(text) == 14 and key.lower() in _TRADE_ITEM and text.isdigit() and gs1_check(text)


def mask_bytes(raw: bytes) -> bytes:
    """Bytes that could not be decoded, with card numbers shortened. Knows UTF-16 by its byte order mark."""
    encoding = "utf-16-le" if raw[:2] == b"\xff\xfe" else "utf-16-be" if raw[:2] == b"\xfe\xff" else "latin-1"
    if encoding != "latin-1" and len(raw) % 2:
        encoding = "latin-1"
    text = raw.decode(encoding, "surrogatepass")
    masked = mask_pan_text(text)
    return raw if masked is text else masked.encode(encoding, "surrogatepass")


Masker = Callable[[str], str]


def mask_texts(value: Any, masker: Masker) -> Any:
    """A JSON value with `masker` applied to every text in it. Copies only what changes."""
    if isinstance(value, str):
        return masker(value)
    if isinstance(value, dict):
        changed = {key: mask_texts(item, masker) for key, item in value.items()}
        return changed if any(changed[key] is not item for key, item in value.items()) else value
    if isinstance(value, list):
        items = [mask_texts(item, masker) for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value


def mask_url_password(text: str) -> str:
    """The text with passwords in addresses (scheme://user:password@host) as stars; of the same length."""
    if "://" not in text:
        return text
    return _URL_PASSWORD.sub(lambda found: f"{found[1]}:{'*' * len(found[2])}", text)

"""NFC-e in expressions."""

from __future__ import annotations

import re
from typing import Literal

from connectors.compliance.br_nfce.keys import key_of, key_ok, offline, online
from connectors.compliance.support.amounts import two_places
from connectors.compliance.support.secrets import revealed
from engine.sdk import Anything, Number, Object, Refused, Text, YesNo, function

_DAY = re.compile(r"(?:\d{4}-\d{2}-)?(\d{2})", re.ASCII)


@function("nfce_key")
def nfce_key(parts: Object) -> Text:
    """The 44 characters of a Brazilian access key: {uf, date, cnpj, series, number, code}, and emission (1), model (65).

    `uf` is the state's IBGE code, `code` the random number of the issuer. The CNPJ may hold letters (NT 2025.001, from
    2026-07). Rule: MOC 7.0, section 2.2.6.2. Mode: a till or its back end issues; carried and checked elsewhere.

    nfce_key({uf: '52', date: '2006-04-01', cnpj: '33.009.911/0025-06', model: '55', series: `12`, number: `780`, emission: '0', code: '26730161'}) -> "52060433009911002506550120000007800267301615"
    """
    try:
        return key_of(parts)
    except ValueError as error:
        raise Refused(f"there is no access key for this: {error}", "invalid-value") from None


@function("nfce_key_ok")
def nfce_key_ok(key: Text) -> YesNo:
    """Whether a Brazilian access key (NF-e and NFC-e) has 44 characters and the right check digit.

    nfce_key_ok('52060433009911002506550120000007800267301615') -> true
    nfce_key_ok('52060433009911002506550120000007800267301614') -> false
    """
    return key_ok(key)


@function("nfce_qr")
def nfce_qr(url: Text, key: Text, environment: Literal["1", "2"], csc_id: Text, csc: Anything) -> Text:
    """The content of the QR code, version 2, of an NFC-e authorised online; the CSC comes from secret().

    `url` is the state's, `environment` 1 production or 2 test. The key's check digit is not looked at: the manual's own
    examples have wrong ones. Rule: Manual DANFE NFC-e and QR Code 4.3.6.1, for layout 4.00 (in force since 2018). Mode: what
    the issuer has to print, carried or made before printing; nothing is sent to a state. Version 3 (NT 2025.001), which has no CSC, and
    the signature of the XML are not covered.
    """
    _key_form(key)
    return f"{_asked(url)}p={online(key, environment, csc_id, revealed(csc, 'the CSC'))}"


@function("nfce_qr_offline")
def nfce_qr_offline(
    url: Text,
    key: Text,
    environment: Literal["1", "2"],
    day: Text,
    total: Text | Number,
    digest: Text,
    csc_id: Text,
    csc: Anything,
) -> Text:
    """The content of the QR code, version 2, of an NFC-e issued in contingency (manual 4.3.6.2); the CSC comes from secret().

    `day` is the day of issue (`02` or an ISO date), `digest` the DigestValue of the XML's signature in base64.
    """
    _key_form(key)
    match = _DAY.fullmatch(day)
    if match is None:
        raise Refused("`day` is the day of the month, 02, or a date", "invalid-value")
    try:
        value = two_places(total)
    except ValueError as error:
        raise Refused(f"`total`: {error}", "invalid-value") from None
    return f"{_asked(url)}p={offline(key, environment, match[1], value, digest, csc_id, revealed(csc, 'the CSC'))}"


def _key_form(key: str) -> None:
    if not (len(key) == 44 and key.isascii() and key.isalnum()):
        raise Refused("an access key has 44 letters and digits", "invalid-value")


def _asked(url: str) -> str:
    return url if url.endswith(("?", "&")) else f"{url}{'&' if '?' in url else '?'}"

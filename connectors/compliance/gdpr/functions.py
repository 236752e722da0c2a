"""Pseudonyms in expressions."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from typing import Literal

from connectors.compliance.gdpr.normal import email, phone
from connectors.compliance.support.secrets import revealed
from engine.sdk import Anything, Refused, Text, function


def token(value: str, key: str) -> str:
    """HMAC-SHA-256 in lower case hexadecimal. `value` has been normalised."""
    return hmac.new(key.encode(), value.encode(), hashlib.sha256).hexdigest()


def normalized(value: str, kind: str, country: str) -> str:
    """The one spelling of a value. Raises ValueError."""
    if kind == "email":
        return email(value)
    if kind == "phone":
        return phone(value, country)
    text = unicodedata.normalize("NFKC", value).strip()
    if not text:
        raise ValueError("it is empty")
    return text


@function("pseudonym")
def pseudonym(value: Text, key: Anything, kind: Literal["text", "email", "phone"] = "text", country: Text = "") -> Text:
    """A pseudonym of a person's datum: HMAC-SHA-256 of its one spelling under a key, in hexadecimal.

    `pseudonym(customer.email, secret('gdpr', store.country), 'email')`: one key per region, so that the same person is
    another one elsewhere. The secrets are `gdpr.ES`, `gdpr.AT`, ..; a secret `gdpr` has to be there too, and is not used. Mail addresses are trimmed and put in lower case, phone numbers become `+` and digits
    (`country` for numbers without country code). Use 32 random bytes at least as the key, and never one for two regions.
    Erasure: destroy the key. What was made with it can then be joined with nobody, and new pseudonyms need a new
    key; the event becomes a work item while there is none. A message never quotes the value.
    Rule: Regulation (EU) 2016/679 (GDPR) articles 4(5), 17 and 32, in force since 2018-05-25. Pseudonyms are still personal
    data while the key exists. Not covered: keys per person, finding data that was written in clear text before.
    """
    secret = revealed(key, "the key of a pseudonym")
    try:
        return token(normalized(value, kind, country), secret)
    except ValueError as error:
        raise Refused(f"there is no pseudonym for this {kind}: {error}", "invalid-value") from None

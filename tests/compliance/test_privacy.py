"""Card numbers are found and cut, goods keep their numbers; one person has one pseudonym in a region and another elsewhere."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.compliance.gdpr.functions import pseudonym
from connectors.compliance.gdpr.normal import email, phone
from connectors.compliance.gs1.functions import digit
from connectors.compliance.pci.functions import pan_found, pan_shown, pan_truncated
from engine.core.masking import luhn
from engine.expr.values import Refused
from engine.ports.secrets import Secret
from tests.compliance.support import vectors


def test_published_card_numbers(shared: Path) -> None:
    told = vectors(shared, "compliance-gs1-pci", "checks.json")
    for one in told["luhn"]:
        assert luhn(one["n"]) == one["valid"]
    for one in told["pan_display"]:
        assert pan_shown(one["pan"]) == one["first6_last4"]
        assert pan_shown(one["pan"], 8) == one.get("first8_last4", one["first6_last4"])
    for one in told["find_in_text"]:
        assert pan_found(one["text"]) == one["hit"]


def card(prefix: str, size: int, filling: int) -> str:
    body = prefix + f"{filling:019}"[-(size - 1 - len(prefix)) :]
    return next(body + last for last in "0123456789" if luhn(body + last))


cards = st.builds(
    card, st.sampled_from(["4", "51", "55", "2221", "2720", "34", "37", "36", "6011", "62", "3528", "50", "2200", "81", "9792"]),
    st.just(16), st.integers(0, 10**19),
) | st.builds(card, st.sampled_from(["34", "37"]), st.just(15), st.integers(0, 10**19))  # fmt: skip


@given(cards, st.sampled_from(["", " ", "-"]), st.sampled_from([6, 8]))
def test_every_card_is_cut_also_in_groups(number: str, between: str, first: int) -> None:
    if number[0] == "3" and number[1] in "47" and len(number) == 16:
        return  # such numbers have 15 digits
    grouped = between.join(number[at : at + 4] for at in range(0, len(number), 4))
    shown = pan_truncated(f"card {grouped}, thanks;12/27", first)
    kept = 6 if len(number) == 15 else first
    digits = "".join(char for char in shown[5:-14] if char.isdigit() or char == "*")
    assert digits == number[:kept] + "*" * (len(number) - kept - 4) + number[-4:]
    assert not pan_found(shown)


@given(st.text("0123456789", min_size=12, max_size=12))
def test_goods_keep_their_numbers(body: str) -> None:
    gtin13, gtin14 = body + digit(body), "1" + body + digit("1" + body)
    for text in (gtin13, f"GTIN {gtin13}", f"gtin: {gtin14}", f"(01){gtin14}", f"3{body}"[:13]):
        assert pan_shown(text) == text or (len(text) == 13 and text != gtin13)


def test_a_number_that_is_a_case_and_could_be_a_card_goes_by_the_word_before_it() -> None:
    bodies = (f"36{number:011}" for number in range(10**6))
    both = next(number for number in (body + digit(body) for body in bodies) if luhn(number))
    for text in (f"GTIN {both}", f"ean: {both}", f"(01){both}"):
        assert pan_shown(text) == text
    assert pan_shown(f"card {both}") == f"card {both[:6]}****{both[-4:]}"


def test_what_only_looks_like_a_card_stays() -> None:
    for text in ("order 1234567890123456", "0.4111111111111111", "d41d8cd98f00b204e9804111111111111111", "41111111-1111-1111-8411-111111111111"):  # fmt: skip
        assert pan_shown(text) == text


def test_more_digits_than_may_be_kept_are_refused() -> None:
    with pytest.raises(Refused):
        pan_shown("4111111111111111", 10)


ES, AT = Secret("gdpr", "key of es", "1"), Secret("gdpr", "key of at", "1")


@given(st.text(min_size=1).filter(lambda text: text.strip()))
def test_one_key_gives_one_pseudonym_and_another_key_another(value: str) -> None:
    made = pseudonym(value, ES)
    assert made == pseudonym(f" {value} ", ES) != pseudonym(value, AT)
    assert len(made) == 64 and (len(value.strip()) < 6 or value.strip() not in made)


def test_a_pseudonym_is_the_hmac_of_the_one_spelling() -> None:
    wanted = hmac.new(b"key of es", b"anna@example.org", hashlib.sha256).hexdigest()
    for spelled in ("anna@example.org", " Anna@Example.ORG ", "ＡNNA@example.org"):
        assert pseudonym(spelled, ES, "email") == wanted
    wanted = hmac.new(b"key of es", b"+436641234567", hashlib.sha256).hexdigest()
    for spelled in ("+43 664 1234567", "0043664-123 45 67", "+43 (0)664/1234567", "0664 1234567", "tel:+436641234567"):
        assert pseudonym(spelled, ES, "phone", "AT") == wanted


@pytest.mark.parametrize(
    ("text", "country", "wanted"),
    [("600 123 456", "ES", "+34600123456"), ("06 20 123 4567", "HU", "+36201234567"), ("02 1234567", "IT", "+39021234567"),
     ("1 (212) 555-0100", "US", "+12125550100"), ("020 7946 0000", "gb", "+442079460000")],
)  # fmt: skip
def test_national_numbers(text: str, country: str, wanted: str) -> None:
    assert phone(text, country) == wanted


def test_domains_are_as_dns_has_them() -> None:
    assert email("Max@Müller.example") == email("max@xn--mller-kva.example")


@pytest.mark.parametrize(
    ("kind", "value", "country"),
    [("email", "nobody", ""), ("email", "a b@example.org", ""), ("email", "@example.org", ""), ("phone", "0664 1234567", ""),
     ("phone", "call me", "AT"), ("phone", "+1", ""), ("text", "  ", "")],
)  # fmt: skip
def test_what_has_no_pseudonym_is_told_without_the_value(kind: str, value: str, country: str) -> None:
    with pytest.raises(Refused) as refused:
        pseudonym(value, ES, kind, country)  # type: ignore[arg-type]
    assert not value.strip() or value not in str(refused.value)


def test_erasure_a_destroyed_key_makes_no_pseudonym_and_the_new_one_others() -> None:
    for gone in (Secret("gdpr", "", "2"), None, "a key in a file"):
        with pytest.raises(Refused):
            pseudonym("anna@example.org", gone, "email")
    assert pseudonym("anna@example.org", Secret("gdpr", "new key", "3"), "email") != pseudonym(
        "anna@example.org", ES, "email"
    )

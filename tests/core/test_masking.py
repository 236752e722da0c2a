"""Card numbers are shortened wherever they stand; what only looks like one survives."""

from __future__ import annotations

import hashlib
import json
import random
import time
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.core.masking import (
    gs1_check,
    hide_digits,
    luhn,
    mask_bytes,
    mask_email_text,
    mask_pan_text,
    mask_phone_text,
    mask_texts,
    mask_value,
    shorten_pan,
)


@pytest.fixture(scope="module")
def vectors(shared: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((shared / "samples/compliance-gs1-pci/checks.json").read_text())
    return loaded


def test_published_check_digit_vectors(vectors: dict[str, Any]) -> None:
    for case in vectors["gs1_mod10"]:
        assert gs1_check(case["full"]) is case["valid"], case
    for case in vectors["luhn"]:
        assert luhn(case["n"]) is case["valid"], case


def test_published_display_and_text_vectors(vectors: dict[str, Any]) -> None:
    for case in vectors["pan_display"]:
        assert shorten_pan(case["pan"]) == case["first6_last4"]
        assert mask_pan_text(case["pan"]) == case["first6_last4"]
    for case in vectors["find_in_text"]:
        assert (mask_pan_text(case["text"]) != case["text"]) is case["hit"], case


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("4111111111111111", "411111******1111"),
        ("4111 1111 1111 1111", "4111 11** **** 1111"),
        ("card 4111-1111-1111-1111 ok", "card 4111-11**-****-1111 ok"),
        ("3782 822463 10005", "3782 82**** *0005"),
        ("30569309025904", "305693****5904"),
        ("paid with 4111.1111.1111.1111.", "paid with 4111.11**.****.1111."),
        ("4111.1111.1111.1111.5", "4111.1111.1111.1111.5"),
        ("paid with 4111.1111.1111.1111 today", "paid with 4111.11**.****.1111 today"),
        ("\uff14\uff11\uff11\uff11 1111 1111 1111", "4111 11** **** 1111"),
        ("\uff14111111111111111", "411111******1111"),
        ("6011000990139424", "601100******9424"),
        ("3566002020360505", "356600******0505"),
        ("2223000048400011", "222300******0011"),
        ("6304000000000000", "630400******0000"),
        ("4222222222222", "422222***2222"),
        ("%B4111111111111111^DOE/J^2512101", "%B411111******1111^DOE/J^2512101"),
        ("card-4111111111111111", "card-411111******1111"),
        ('{"pan":"4111111111111111"}', '{"pan":"411111******1111"}'),
        ("12 4111111111111111", "12 411111******1111"),
        ("20260314 4111111111111111 77", "20260314 411111******1111 77"),
        ("4111111111111111 5555555555554444", "411111******1111 555555******4444"),
        ("4111\u00a01111\u00a01111\u00a01111", "4111\u00a011**\u00a0****\u00a01111"),
        ("paid 4111111111111111.50", "paid 411111******1111.50"),
        ("4111111111111111.50", "411111******1111.50"),
    ],
)
def test_card_numbers_are_shortened(text: str, masked: str) -> None:
    assert mask_pan_text(text) == masked
    assert mask_pan_text(masked) == masked, "masking twice is masking once"


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # fails the check
        "order 1234567890123456 shipped",
        "0000000000000000",  # passes the check; no network issues it
        "1773480000000008",  # a timestamp in microseconds that passes the check
        "820982911946154508",  # an order id of a shop system that passes the check
        "4006381333931",
        "4000000000006",  # a GTIN-13 that passes both checks
        "376104250021234569",
        "0.5555555555554444",  # a fraction, as a careless exporter writes it
        "41111111111111111111111",  # glued to other digits
        "41111111-1111-1111-1111-111111111111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",  # nobody groups a card number like this
        "",
        "plain words without a digit",
        "2026-03-14T09:15:42.000000Z",
    ],
)
def test_what_only_looks_like_a_card_number_survives(text: str) -> None:
    assert mask_pan_text(text) is text


def test_uuids_and_hashes_survive() -> None:
    numbers = random.Random(5)
    for _ in range(3000):
        number = str(uuid.UUID(int=numbers.getrandbits(128)))
        assert mask_pan_text(number) == number
        digest = hashlib.sha256(number.encode()).hexdigest()
        assert mask_pan_text(f"sha256:{digest}") == f"sha256:{digest}"
    hash_with_pan = "ab4111111111111111cdefabcdefabcd"
    assert mask_pan_text(hash_with_pan) == hash_with_pan


def test_every_gtin_13_survives_as_text_and_as_a_number() -> None:
    numbers = random.Random(7)
    for _ in range(3000):
        body = "4" + str(numbers.randrange(10**11)).zfill(11)
        gtin = next(body + digit for digit in "0123456789" if gs1_check(body + digit))
        assert mask_value({"code": gtin, "number": int(gtin)}) == {"code": gtin, "number": int(gtin)}


def test_a_case_gtin_survives_under_its_name_and_a_card_does_not_under_another() -> None:
    both = next(text for n in range(10**6) if luhn(text := f"36{n:012d}") and gs1_check(text))
    assert mask_value({"gtin": both}) == {"gtin": both}
    assert mask_value({"gtins": [both]}) != {"gtins": [both]}
    assert mask_value({"gtin": "30569309025904"}) == {"gtin": "305693****5904"}


def test_values_are_copied_only_where_they_change() -> None:
    clean = {"a": [1, {"b": "text"}], "c": None, "d": True, "e": Decimal("1.50")}
    assert mask_value(clean) is clean
    data = {"kept": clean, "tenders": [{"type": "card", "ref": "4111111111111111"}, {"type": "cash"}]}
    before = json.dumps(data["tenders"])
    masked = mask_value(data)
    assert masked["tenders"][0]["ref"] == "411111******1111"
    assert masked["kept"] is clean
    assert masked["tenders"][1] is data["tenders"][1]
    assert json.dumps(data["tenders"]) == before, "the given value must not change"


def test_whole_numbers_keys_and_nested_json() -> None:
    assert mask_value({"n": 4111111111111111}) == {"n": "411111******1111"}
    assert mask_value({"n": Decimal("4111111111111111.0")}) == {"n": "411111******1111"}
    assert mask_value({"n": Decimal("4111111111111111.5")}) == {"n": Decimal("4111111111111111.5")}
    assert mask_value({"id": 9007199254740993}) == {"id": 9007199254740993}
    assert mask_value({"4111111111111111": 1}) == {"411111******1111": 1}
    assert mask_value(['{"pan": "4111111111111111"}']) == ['{"pan": "411111******1111"}']
    assert mask_value({"id": 4222222222222}) == {"id": 4222222222222}, "a number of 13 digits is an id"


def test_bytes_of_any_encoding_keep_every_other_byte() -> None:
    raw = b"\x00\xffcard 4111111111111111\xfe\n"
    assert mask_bytes(raw) == b"\x00\xffcard 411111******1111\xfe\n"
    assert mask_bytes("é 4111 1111 1111 1111".encode()) == "é 4111 11** **** 1111".encode()
    for encoding in ("utf-16-le", "utf-16-be"):
        mark = "\ufeff"
        assert mask_bytes(f"{mark}4111111111111111".encode(encoding)) == f"{mark}411111******1111".encode(encoding)
    clean = bytes(range(256))
    assert mask_bytes(clean) is clean


def test_hostile_texts_take_linear_time() -> None:
    hostile = ["4 1 1 " * 60_000, "4111 " * 70_000, "4" * 400_000, "a@" * 150_000, "+1 " * 100_000, "4-" * 150_000]
    started = time.perf_counter()
    for text in hostile:
        mask_email_text(mask_phone_text(mask_pan_text(text)))
    assert time.perf_counter() - started < 10


def test_mail_addresses_and_phone_numbers() -> None:
    assert mask_email_text("write to anna.b@mail.example.org, please") == "write to a***@mail.example.org, please"
    assert mask_email_text("a @ b") == "a @ b"
    assert mask_phone_text("call +34 600 123 456 now") == "call +** *** *** *56 now"
    assert mask_phone_text("0034600123456") == "***********56"
    assert mask_phone_text("order 2026-03-14 no 00012") == "order 2026-03-14 no 00012"
    assert hide_digits("(020) 7946 0958") == "(***) **** **58"


def test_mask_texts_copies_only_what_changes() -> None:
    data = {"mail": ["a@example.org", 1], "other": {"x": "y"}}
    masked = mask_texts(data, mask_email_text)
    assert masked == {"mail": ["a***@example.org", 1], "other": {"x": "y"}}
    assert masked["other"] is data["other"]
    assert mask_texts(masked["other"], mask_email_text) is masked["other"]

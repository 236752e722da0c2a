"""RKSV: the official demo's exports verify whole, what is issued verifies, what is changed is refused."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.compliance.at_rksv import counter, jws
from connectors.compliance.at_rksv.chain import KINDS, TAX_SETS, Device, issue, verify
from connectors.compliance.at_rksv.code import chain_value, parse, printed, printed_ocr
from connectors.compliance.at_rksv.dep import GROUPS, RECEIPTS, check, export
from connectors.compliance.at_rksv.export_step import RksvExport
from connectors.compliance.at_rksv.functions import rksv_dep, rksv_ocr, rksv_qr
from connectors.compliance.at_rksv.step import Rksv
from connectors.compliance.support.links import Rules
from engine.core.errors import Permanent, Rejected
from tests.compliance.support import go, step_of, vectors, worker

STRICT = Rules("first", "refuse")
RUNS = {"closed-szenario-1-ctr5": (1324168, 81), "open-szenario-1": (1324168, 81), "open-szenario-2": (1245862, 80)}
KEY = ec.generate_private_key(ec.SECP256R1())
AES = bytes(range(32))
DEVICE = Device("AT0", "U:ATU12345678-K1", KEY, AES)
KEYS = {"U:ATU12345678-K1": KEY.public_key()}


def run_of(shared: Path, name: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    folder = f"compliance-at-rksv/{name}"
    material = vectors(shared, folder, "cryptographicMaterialContainer.json")
    return (
        vectors(shared, folder, "dep-export.json"),
        jws.public_keys(material),
        counter.aes_key(material["base64AESKey"]),
    )


@pytest.mark.parametrize("name", RUNS)
def test_the_export_of_the_official_demo_verifies(shared: Path, name: str) -> None:
    report = check(*run_of(shared, name))
    assert report.problems == []
    assert (report.counter, report.receipts) == RUNS[name]
    if name == "open-szenario-1":
        assert (report.signed, report.outage, report.training, report.cancellations) == (57, 24, 17, 17)


@pytest.mark.parametrize("name", RUNS)
def test_its_printed_codes_are_the_same_receipts(shared: Path, name: str) -> None:
    document, keys, aes = run_of(shared, name)
    receipts = document[GROUPS][0][RECEIPTS]
    for file, write in (("qr-code-rep.json", printed), ("ocr-code-rep.json", printed_ocr)):
        codes = vectors(shared, f"compliance-at-rksv/{name}", file)
        assert [jws.read(code).compact for code in codes] == receipts
        assert [write(jws.read(text).receipt, jws.read(text).signature) for text in receipts] == codes
    state: dict[str, Any] | None = None
    for code in vectors(shared, f"compliance-at-rksv/{name}", "qr-code-rep.json"):
        _, state = verify(state, code, keys, aes, STRICT)
    assert state is not None and state["counter"] == RUNS[name][0]


@pytest.mark.parametrize("name", RUNS)
def test_its_scenario_played_again_gives_the_same_receipts(shared: Path, name: str) -> None:
    """Everything but the signature, and so everything after the box id, time, amounts and counter, follows the rule."""
    document, _, aes = run_of(shared, name)
    scenario = vectors(
        shared, f"compliance-at-rksv/{name}", f"TESTSUITE_TEST_SZENARIO_{name.partition('szenario-')[2][0]}.json"
    )
    names = ("taxSetNormal", "taxSetErmaessigt1", "taxSetErmaessigt2", "taxSetNull", "taxSetBesonders")
    kinds = {"TRAINING_BELEG": "training", "STORNO_BELEG": "cancellation"}
    state: dict[str, Any] | None = None
    for text, told in zip(document[GROUPS][0][RECEIPTS], scenario["cashBoxInstructionList"], strict=True):
        theirs = jws.read(text)
        size = len(base64.b64decode(theirs.receipt.turnover))
        trust = theirs.receipt.suite.removeprefix("R1-")
        device = Device(
            trust, theirs.receipt.serial, None if told["signatureDeviceDamaged"] else KEY, aes, max(size, 5)
        )
        values = {
            "box": scenario["cashBoxId"], "number": told["receiptIdentifier"], "time": told["dateToUse"],
            "kind": kinds.get(told["typeOfReceipt"], "standard"),
            **{ours: Decimal(str(told["simplifiedReceipt"][name])) for ours, name in zip(TAX_SETS, names, strict=True)},
        }  # fmt: skip
        entry, state = issue(state, values, device)
        ours = jws.read(entry["jws"])
        assert ours.receipt == theirs.receipt and ours.outage == theirs.outage
        state["head"] = chain_value(text)  # their signature is another one, and the chain goes over it


def swapped(receipts: list[str]) -> None:
    receipts[9], receipts[10] = receipts[10], receipts[9]


def cut(receipts: list[str]) -> None:
    del receipts[30]


def doubled(receipts: list[str]) -> None:
    receipts.insert(5, receipts[5])


def changed_amount(receipts: list[str]) -> None:
    header, payload, signature = receipts[5].split(".")
    code = base64.urlsafe_b64decode(payload + "==").decode().replace("120,34", "120,35")
    receipts[5] = f"{header}.{jws.url64(code.encode())}.{signature}"


def changed_signature(receipts: list[str]) -> None:
    receipts[0] = receipts[0].rpartition(".")[0] + "." + receipts[1].rpartition(".")[2]


@pytest.mark.parametrize("harm", [swapped, cut, doubled, changed_amount, changed_signature])
@pytest.mark.parametrize("name", ["closed-szenario-1-ctr5", "open-szenario-1"])
def test_a_harmed_export_is_told(shared: Path, name: str, harm: Callable[[list[str]], None]) -> None:
    document, keys, aes = run_of(shared, name)
    document = copy.deepcopy(document)
    harm(document[GROUPS][0][RECEIPTS])
    assert check(document, keys, aes).problems


def test_another_aes_key_and_unknown_certificates_are_told(shared: Path) -> None:
    document, keys, _ = run_of(shared, "open-szenario-1")
    assert any("turnover counter" in text for text in check(document, keys, AES).problems)
    assert any("no key" in text for text in check(document, {}, None).problems)
    assert check(document, keys, None).problems == []  # without the key the counter is not looked at


def values(**changes: Any) -> dict[str, Any]:
    return {"box": "BOX-1", "number": "1", "time": "2027-01-02T03:04:05", **changes}


cents = st.decimals(min_value=-100000, max_value=100000, places=2)
sales = st.lists(st.tuples(st.sampled_from(KINDS), st.tuples(*[cents] * 5), st.booleans()), max_size=6)


@settings(max_examples=40, deadline=None)
@given(sales, st.integers(5, 8))
def test_what_is_issued_verifies_with_its_counter(made: list[Any], size: int) -> None:
    state, _ = None, None
    entry, state = issue(None, values(), Device(DEVICE.trust, DEVICE.serial, KEY, AES, size))
    texts = [entry]
    for number, (kind, amounts, outage) in enumerate(made, 2):
        device = Device(DEVICE.trust, DEVICE.serial, None if outage else KEY, AES, size)
        given_values = values(number=str(number), kind=kind, **dict(zip(TAX_SETS, amounts, strict=True)))
        entry, state = issue(state, given_values, device)
        texts.append(entry)
    checked: dict[str, Any] | None = None
    for number, one in enumerate(texts):
        form = ("jws", "qr", "ocr")[number % 3]
        seen, checked = verify(checked, one[form], KEYS, AES, STRICT)
        assert seen == one
    counted = sum(sum(amounts) for kind, amounts, _ in made if kind != "training")
    assert checked is not None and checked["counter"] == state["counter"] == counted * 100
    report = check(export([one["jws"] for one in texts]), KEYS, AES)
    assert report.problems == [] and report.counter == counted * 100


@given(st.integers(-(2**39), 2**39 - 1), st.integers(5, 8), st.text(max_size=20), st.text(max_size=20))
def test_the_counter_comes_back_from_its_encryption(value: int, size: int, box: str, number: str) -> None:
    sealed = counter.encrypt(value, box, number, AES, size)
    assert counter.decrypt(sealed, box, number, AES) == value
    assert len(base64.b64decode(sealed)) == size


def test_the_first_receipt_is_a_start_receipt() -> None:
    for wrong in (values(normal=1), values(kind="training"), values(kind="cancellation")):
        with pytest.raises(Rejected, match="fiscal-start-missing"):
            issue(None, wrong, DEVICE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"box": ""}, {"box": "A_B"}, {"number": "1_2"}, {"time": "yesterday"}, {"kind": "void"}, {"normal": Decimal("0.001")},
        {"normal": "x"}, {"tax": 1},
    ],
)  # fmt: skip
def test_values_that_make_no_receipt_are_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="fiscal-record-invalid"):
        issue(None, values(**wrong), DEVICE)


def test_a_moment_with_an_offset_becomes_local_time() -> None:
    entry, _ = issue(None, values(time="2027-07-01T23:30:00Z"), DEVICE)
    assert jws.read(entry["jws"]).receipt.time == "2027-07-02T01:30:00"


def test_a_receipt_of_another_key_or_with_a_false_counter_is_refused() -> None:
    first, state = issue(None, values(), DEVICE)
    _, checked = verify(None, first["jws"], KEYS, AES, STRICT)
    false = dict(state, counter=500)
    second, _ = issue(false, values(number="2", normal=1), DEVICE)
    with pytest.raises(Rejected, match="fiscal-counter-mismatch"):
        verify(checked, second["jws"], KEYS, AES, STRICT)
    stranger = Device("AT0", DEVICE.serial, ec.generate_private_key(ec.SECP256R1()), AES)
    forged, _ = issue(state, values(number="2"), stranger)
    with pytest.raises(Rejected, match="fiscal-signature-invalid"):
        verify(checked, forged["jws"], KEYS, AES, STRICT)
    with pytest.raises(Rejected, match="fiscal-key-unknown"):
        verify(checked, forged["jws"], {}, AES, STRICT)


@settings(deadline=None)
@given(st.text(max_size=60) | st.text("_.R1-AT0,eyJ=", max_size=60))
def test_what_is_no_receipt_is_told(text: str) -> None:
    with pytest.raises(Rejected, match="fiscal-record-invalid"):
        verify(None, text, KEYS, AES, STRICT)


def test_base64_that_can_be_written_in_two_ways_is_refused() -> None:
    entry, _ = issue(None, values(), DEVICE)
    head, _, signature = entry["jws"].rpartition(".")
    other = signature[:-1] + chr(ord(signature[-1]) + 1)
    with pytest.raises(ValueError, match="base64url"):
        jws.read(f"{head}.{other}")
    with pytest.raises(ValueError, match="suite"):
        parse(entry["qr"].replace("R1-", "R9-"))


def test_groups_of_several_certificates_may_be_interleaved() -> None:
    texts, state = [], None
    for number in range(6):
        entry, state = issue(state, values(number=str(number)), DEVICE)
        texts.append(entry["jws"])
    document = {GROUPS: [{RECEIPTS: texts[::2]}, {RECEIPTS: texts[1::2]}]}
    assert check(document, KEYS, AES).problems == []
    document[GROUPS][0][RECEIPTS].reverse()
    assert check(document, KEYS, AES).problems


def pem(kind: str = "private") -> str:
    if kind == "private":
        return KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


SECRETS = {"rksv_key": pem(), "rksv_aes": base64.b64encode(AES).decode()}
ISSUE = step_of(
    Rksv, mode="issue", record="receipt", chain=["box"], signing_secret="rksv_key", aes_secret="rksv_aes", certificate=DEVICE.serial,
    outage="is_true(broken)",
)  # fmt: skip
VERIFY = step_of(Rksv, mode="verify", record="code", chain=["box"], keys="keys", aes_secret="rksv_aes", into="fiscal")


def test_a_till_is_answered_and_its_receipts_are_checked_later(tmp_path: Path) -> None:
    async def story() -> None:
        made = []
        for number in range(3):  # a restart after each
            async with worker(tmp_path / "edge", SECRETS) as edge:
                sale = {"box": "BOX-1", "broken": number == 1, "receipt": values(number=str(number), normal=number)}
                event = await edge.run(ISSUE, f"e{number}", sale)
                assert await edge.run(ISSUE, f"e{number}", sale) == event
                made.append(event["extensions"]["fiscal"])
        assert [one["signed"] for one in made] == [True, False, True]
        keys = {DEVICE.serial: pem("public")}
        async with worker(tmp_path / "office", SECRETS) as office:
            for number, one in enumerate(made):
                written = [
                    keys,
                    [{"id": DEVICE.serial, "key": pem("public")}],
                    {"id": DEVICE.serial, "key": pem("public")},
                ]
                event = {"box": "BOX-1", "code": one["qr"], "keys": written[number]}
                after = await office.run(VERIFY, f"e{number}", event)
                assert after["fiscal"]["jws"] == one["jws"]
            with pytest.raises(Rejected, match="fiscal-record-repeated"):
                await office.run(VERIFY, "another event", {"box": "BOX-1", "code": made[2]["qr"], "keys": keys})

    for folder in ("edge", "office"):
        (tmp_path / folder).mkdir()
    go(story())


def test_a_secret_that_is_not_set_or_no_key_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        sale = {"box": "BOX-1", "broken": False, "receipt": values()}
        for secrets in ({}, {**SECRETS, "rksv_key": "no key"}, {**SECRETS, "rksv_aes": "c2hvcnQ="}):
            async with worker(tmp_path, secrets) as edge:
                with pytest.raises(Permanent, match="fiscal-keys-unusable"):
                    await edge.run(ISSUE, "e1", sale)

    go(story())


def test_a_step_that_lacks_what_its_mode_needs_is_a_finding() -> None:
    with pytest.raises(ValidationError, match="needs `signing_secret`"):
        step_of(Rksv, mode="issue", record="receipt", chain=["box"])
    with pytest.raises(ValidationError, match="needs `keys`"):
        step_of(Rksv, mode="verify", record="receipt", chain=["box"])


def test_an_export_is_checked_as_one_event(shared: Path, tmp_path: Path) -> None:
    document, _, aes = run_of(shared, "open-szenario-2")
    keys = vectors(shared, "compliance-at-rksv/open-szenario-2", "cryptographicMaterialContainer.json")
    step = step_of(RksvExport, export="export", keys="keys", aes_secret="rksv_aes", into="report")

    async def story() -> None:
        async with worker(tmp_path, {"rksv_aes": base64.b64encode(aes).decode()}) as office:
            after = await office.run(step, "e1", {"export": document, "keys": keys})
            assert after["report"]["counter"] == 1245862
            harmed = copy.deepcopy(document)
            cut(harmed[GROUPS][0][RECEIPTS])
            with pytest.raises(Rejected, match="fiscal-export-invalid"):
                await office.run(step, "e2", {"export": harmed, "keys": keys})
            with pytest.raises(Rejected, match="fiscal-record-invalid"):
                await office.run(step, "e3", {"export": {"x": 1}, "keys": keys})

    go(story())


def test_the_functions_give_the_forms_of_a_receipt() -> None:
    entry, _ = issue(None, values(), DEVICE)
    assert (
        rksv_qr(entry["jws"]) == entry["qr"]
        and rksv_ocr(entry["qr"]) == entry["ocr"]
        and rksv_qr(entry["ocr"]) == entry["qr"]
    )
    assert rksv_dep([entry["jws"]], "CERT", ["CA"])[GROUPS] == [
        {"Signaturzertifikat": "CERT", "Zertifizierungsstellen": ["CA"], RECEIPTS: [entry["jws"]]}
    ]

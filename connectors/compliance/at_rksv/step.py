"""Step type `rksv`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from connectors.compliance.at_rksv.chain import Device, issue, verify
from connectors.compliance.at_rksv.keys import aes_of, keys_of, signing_key_of
from connectors.compliance.support.libraries import announce, require
from connectors.compliance.support.secrets import SecretName, announce_secret
from connectors.compliance.support.shell import Chained, chain_key, chained, put_all, record_of
from engine.sdk import UNKNOWN, Build, Condition, Expression, Frame, Rejected, Shape, Step, Value, step

ADDED = ("jws", "qr", "ocr", "hash", "previous", "signed")
_ISSUING = ("signing_secret", "certificate", "aes_secret")


@step("rksv")
class Rksv(Step):
    """Austria, RKSV: keeps the signed chain of a cash box's receipts, as the one who makes them or the one who checks.

    `rksv: {mode: verify, record: extensions.fiscal.jws, chain: [store.id, till.id], keys: "lookup('rksv-keys', till.id)"}`.
    `mode: verify` is for routes that come after the till: the step checks the signature, that the receipt follows the
    one before and, with `aes_secret`, the turnover counter; the receipt may come as compact JWS, QR code or OCR text.
    `mode: issue` is only for routes that answer the till before it prints: the step makes the next receipt from
    `{box, number, time, kind, normal, reduced_1, reduced_2, zero, special}`, `kind` being standard, training (TRA, not
    counted) or cancellation (STO, counted), once per event however often the event comes. Both add `jws`, `qr`, `ocr`,
    `hash` (what the next receipt quotes), `previous` and `signed` (no: the device was out of order).
    While `outage` holds, a receipt carries the text "Sicherheitseinrichtung ausgefallen" in place of a signature.
    The first receipt of a box is its start receipt with all amounts zero. One `chain` per cash box.
    On failure: `fiscal-record-missing`, `fiscal-record-invalid`, `fiscal-key-unknown`, `fiscal-signature-invalid`,
    `fiscal-counter-mismatch`, `fiscal-start-missing`, `fiscal-keys-unusable`, `fiscal-chain-forked`,
    `fiscal-chain-broken`, `fiscal-record-repeated`, `fiscal-record-changed` are work items at once; `fiscal-chain-gap` is tried again later first.
    Rule: Registrierkassensicherheitsverordnung (BGBl. II 410/2015), suite R1, open and closed systems; signature device
    required since 2017-04-01. Checked with the exports of BMF's demo cash box (a-sit-plus, scenarios 1 and 2).
    Not covered: signature cards and remote signing services (`signing_secret` holds a key in software, for closed systems and
    tests), registration with FinanzOnline, the zero receipts of each month and year (a schedule and this step make
    them), the collective receipt after an outage.
    """

    class Config(Chained):
        mode: Literal["issue", "verify"] = Field(
            description="`verify` checks what the till made, `issue` makes the receipt."
        )
        record: Expression = Field(
            description="`verify`: the receipt as JWS, QR code or OCR text. `issue`: the values of the receipt.",
            examples=["extensions.fiscal.jws"],
        )
        keys: Value | None = Field(
            None,
            description="`verify`: certificates or public keys, base64 or PEM, by the id receipts name them with: {id: key}, or rows with `id` and `key`.",
            examples=["lookup('rksv-keys', till.id)"],
        )
        aes_secret: SecretName | None = Field(
            None,
            description="Name of the secret with the key of the turnover counter, 32 bytes in base64. `verify` without it checks no counter.",
            examples=["rksv_aes"],
        )
        signing_secret: SecretName | None = Field(
            None,
            description="`issue`: name of the secret with the private key of the curve P-256, as PEM or base64 of PKCS#8.",
            examples=["rksv_key"],
        )
        certificate: str = Field(
            "", description="`issue`: serial number of its certificate in hexadecimal, or the id of the key."
        )
        trust: str = Field(
            "AT0",
            pattern="^AT[0-9]{1,4}$",
            description="`issue`: id of the trust service provider; `AT0` for a closed system.",
        )
        counter_bytes: int = Field(8, ge=5, le=8, description="`issue`: size of the turnover counter in bytes.")
        outage: Condition | None = Field(None, description="`issue`: when the signature device is out of order.")

        @model_validator(mode="after")
        def _complete(self) -> Rksv.Config:
            if self.mode == "verify" and self.keys is None:
                raise ValueError("`mode: verify` needs `keys`; name the certificates by the id receipts carry")
            missing = [name for name in _ISSUING if not getattr(self, name)]
            if self.mode == "issue" and missing:
                raise ValueError(f"`mode: issue` needs `{missing[0]}`; a receipt is signed and its counter encrypted")
            return self

    def __init__(self, config: Config, build: Build) -> None:
        announce(build, "cryptography", "step `rksv`")
        announce_secret(build, config.aes_secret, "aes_secret")
        announce_secret(build, config.signing_secret, "signing_secret")
        self._config = config
        self.issues = config.mode == "issue"

    async def run(self, frame: Frame) -> None:
        require("cryptography", "step `rksv`")
        config, data, env = self._config, frame.data, frame.env
        record = record_of(config.record, data, env, "RKSV receipt")
        key = chain_key("rksv", config.chain, data, env)
        aes = aes_of(config.aes_secret, env)
        if config.mode == "verify":
            keys = keys_of(config.keys, data, env)
            entry = await chained(frame, key, lambda state: verify(state, record, keys, aes, config.rules), of=record)
        else:
            if not isinstance(record, dict) or aes is None:
                raise Rejected(
                    "fiscal-record-invalid", "no receipt can be made: `record` is not an object of its values"
                )
            device = self._device(frame, aes)
            entry = await chained(frame, key, lambda state: issue(state, record, device), of=record)
        put_all(frame, config.place, entry)

    def _device(self, frame: Frame, aes: bytes) -> Device:
        config = self._config
        outage = config.outage is not None and config.outage.condition(frame.data, frame.env)
        key = None if outage else signing_key_of(config.signing_secret or "", frame.env)
        return Device(config.trust, config.certificate, key, aes, config.counter_bytes)

    def shape(self, shape: Shape) -> Shape:
        for name in ADDED:
            shape = shape.with_path((*self._config.place, name), UNKNOWN)
        return shape

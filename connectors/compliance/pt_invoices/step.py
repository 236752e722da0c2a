"""Step type `pt_invoice`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from connectors.compliance.pt_invoices.chain import issue, verify
from connectors.compliance.pt_invoices.document import private_key, public_key
from connectors.compliance.support.libraries import announce, require
from connectors.compliance.support.secrets import SecretName, announce_secret, secret_of
from connectors.compliance.support.shell import Chained, chain_key, chained, put_all, record_of
from engine.sdk import UNKNOWN, Build, Expression, Frame, Permanent, Shape, Step, Value, evaluate, step


@step("pt_invoice")
class PtInvoice(Step):
    """Portugal: keeps the chained signatures of a series of documents, as the one who signs them or the one who checks.

    `pt_invoice: {mode: verify, record: extensions.fiscal.record, chain: [store.id, extensions.fiscal.series], key: "lookup('pt-keys', store.id).pem"}`.
    The record has SAF-T's names: InvoiceDate, SystemEntryDate, InvoiceNo, GrossTotal; `mode: verify` needs `Hash` too, and
    `PreviousHash` where the chain is joined in the middle. `mode: issue` is only for routes that answer the till before
    it prints; it signs a document once per event however often the event comes. Both add `hash`, `previous` and
    `printed`, the four characters that stand on the document. One `chain` per series.
    On failure: `fiscal-record-missing`, `fiscal-record-invalid`, `fiscal-signature-invalid`, `fiscal-keys-unusable`,
    `fiscal-chain-forked`, `fiscal-chain-broken`, `fiscal-record-repeated`, `fiscal-record-changed` are work items at once; `fiscal-chain-gap` is tried
    again later first.
    Rule: Portaria 363/2010, in force since 2011-01-01: RSA-SHA1 (PKCS#1 v1.5, 1,024 bits) over
    `date;datetime;number;total;signature before`. Message form from the authority's published example; there is no
    published signature to compare with, so this is tested by signing and verifying, and against itself only.
    Not covered: certification of the program, SAF-T files, the QR code, hand-written and recovered documents.
    """

    class Config(Chained):
        mode: Literal["issue", "verify"] = Field(description="`verify` checks what a program signed, `issue` signs.")
        record: Expression = Field(description="The document in SAF-T's names.", examples=["extensions.fiscal.record"])
        key: Value | None = Field(
            None, description="`verify`: public key in PEM.", examples=["lookup('pt-keys', store.id).pem"]
        )
        signing_secret: SecretName | None = Field(
            None,
            description="`issue`: name of the secret with the private RSA key of 1,024 bits in PEM.",
            examples=["pt_key"],
        )

        @model_validator(mode="after")
        def _complete(self) -> PtInvoice.Config:
            if self.mode == "verify" and self.key is None:
                raise ValueError("`mode: verify` needs `key`; give the public key of the program")
            if self.mode == "issue" and self.signing_secret is None:
                raise ValueError("`mode: issue` needs `signing_secret`; name the secret that holds the private key")
            return self

    def __init__(self, config: Config, build: Build) -> None:
        announce(build, "cryptography", "step `pt_invoice`")
        announce_secret(build, config.signing_secret, "signing_secret")
        self._config = config
        self.issues = config.mode == "issue"

    async def run(self, frame: Frame) -> None:
        require("cryptography", "step `pt_invoice`")
        config, data, env = self._config, frame.data, frame.env
        record = record_of(config.record, data, env, "Portuguese document")
        place = chain_key("pt_invoice", config.chain, data, env)
        key = self._key(frame)
        if config.mode == "verify":
            entry = await chained(frame, place, lambda state: verify(state, record, key, config.rules), of=record)
        else:
            entry = await chained(frame, place, lambda state: issue(state, record, key), of=record)
        put_all(frame, config.place, entry)

    def _key(self, frame: Frame) -> Any:
        config = self._config
        try:
            if config.mode == "issue":
                return private_key(secret_of(frame.env, config.signing_secret or ""))
            assert config.key is not None
            return public_key(str(next(iter(evaluate(config.key, frame.data, frame.env, "key")), "")))
        except ValueError as error:
            raise Permanent("fiscal-keys-unusable", f"the key cannot be used: {error}") from None

    def shape(self, shape: Shape) -> Shape:
        for name in ("hash", "previous", "printed"):
            shape = shape.with_path((*self._config.place, name), UNKNOWN)
        return shape

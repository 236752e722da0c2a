"""Step type `verifactu`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from connectors.compliance.es_verifactu.chain import issue, verify
from connectors.compliance.support.shell import Chained, chain_key, chained, put_all, record_of
from engine.sdk import UNKNOWN, Build, Expression, Frame, Shape, Step, problem, step


@step("verifactu")
class Verifactu(Step):
    """Spain, VeriFactu: keeps the hash chain of invoicing records, as the one who makes them or the one who checks.

    `verifactu: {mode: verify, record: extensions.fiscal.record, chain: [store.tax_id, extensions.fiscal.system]}`.
    `mode: verify` is for routes that come after the till: the till made the record, the step checks its Huella and
    that it follows the one before, and adds `hash`, `previous` and `qr`. `mode: issue` is only for routes that answer
    the till before it prints: the step makes the record, its Huella and its place in the chain, adds `record`, `hash`,
    `previous`, `qr`, and makes it once per event however often the event comes.
    The record has AEAT's names, nested or flat: IDEmisorFactura, NumSerieFactura, FechaExpedicionFactura, TipoFactura,
    CuotaTotal, ImporteTotal, FechaHoraHusoGenRegistro; a cancellation the first three with `Anulada`. `HuellaAnterior`
    or Encadenamiento holds the hash before, `Huella` its own. Amounts are written with two decimals in record and
    hash; a record written elsewhere may have 123.1 or 123.10, which AEAT treats as one amount.
    On failure: `fiscal-record-missing`, `fiscal-record-invalid`, `fiscal-hash-mismatch`, `fiscal-chain-forked`,
    `fiscal-chain-broken` and `fiscal-record-repeated`, `fiscal-record-changed` are work items at once. `fiscal-chain-gap` (the record before has
    not come) is tried again later and then a work item. The chain moves only when the step succeeds.
    Rule: Real Decreto 1007/2023 and Orden HAC/1177/2024; hash as in AEAT's "generacion de la huella" v0.1.2. In force
    from 2027-01-01 for companies and 2027-07-01 for others (Real Decreto-ley 15/2025, which moved both by a year).
    Not covered: sending to AEAT, XAdES signatures of systems that do not send, event records, the QR address of
    such systems.
    """

    class Config(Chained):
        mode: Literal["issue", "verify"] = Field(
            description="`verify` checks what the till made, `issue` makes the record."
        )
        record: Expression = Field(
            description="`verify`: the record of the till. `issue`: the values of the record to be made.",
            examples=["extensions.fiscal.record"],
        )
        zone: str = Field(
            "Europe/Madrid",
            description="`issue` only. Zone of FechaHoraHusoGenRegistro where the record brings none.",
            examples=["Atlantic/Canary"],
        )
        site: Literal["production", "test"] = Field("production", description="AEAT's site the QR code leads to.")

        @field_validator("zone")
        @classmethod
        def _known(cls, zone: str) -> str:
            try:
                ZoneInfo(zone)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise problem("TF5032", f"`{zone}` is not a time zone", "write one such as Europe/Madrid") from None
            return zone

    def __init__(self, config: Config, build: Build) -> None:
        self._config = config
        self.issues = config.mode == "issue"
        self._zone = ZoneInfo(config.zone)

    async def run(self, frame: Frame) -> None:
        config, data, env = self._config, frame.data, frame.env
        record = record_of(config.record, data, env, "VeriFactu record")
        key = chain_key("verifactu", config.chain, data, env)
        if config.mode == "verify":
            entry = await chained(frame, key, lambda state: verify(state, record, config.rules, config.site), of=record)
        else:
            moment = self._moment(env.now())
            entry = await chained(frame, key, lambda state: issue(state, record, moment, config.site), of=record)
        put_all(frame, config.place, entry)

    def _moment(self, now: int) -> str:
        return datetime.fromtimestamp(now // 1_000_000, UTC).astimezone(self._zone).isoformat(timespec="seconds")

    def shape(self, shape: Shape) -> Shape:
        names: tuple[str, ...] = ("hash", "previous", "qr")
        added: Any = names if self._config.mode == "verify" else (*names, "record")
        for name in added:
            shape = shape.with_path((*self._config.place, name), UNKNOWN)
        return shape

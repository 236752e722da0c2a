"""Step type `rksv_export`."""

from __future__ import annotations

from pydantic import Field

from connectors.compliance.at_rksv.dep import check
from connectors.compliance.at_rksv.keys import aes_of, keys_of
from connectors.compliance.support.libraries import announce, require
from connectors.compliance.support.secrets import SecretName, announce_secret
from connectors.compliance.support.shell import record_of
from engine.sdk import UNKNOWN, Build, Expression, Frame, Options, Path, Rejected, Shape, Step, Value, step

SHOWN = 5  # problems that a work item tells


@step("rksv_export")
class RksvExport(Step):
    """Austria, RKSV: checks a whole DEP export of a cash box: every signature, chain value and turnover counter.

    `rksv_export: {export: "@", keys: "lookup('rksv-keys', box)", aes_secret: rksv_aes, into: report}`, for an
    export that came in as JSON. The report holds `receipts`, `signed`, `outage`, `training`, `cancellations` and
    `counter` (cents after the last receipt). Groups of several certificates may be interleaved in the chain.
    Mode `verify`: it signs nothing and keeps no state.
    On failure: an export with a problem is work item `fiscal-export-invalid` with every receipt that is not right;
    what is no export is `fiscal-record-invalid`.
    Rule: RKSV (BGBl. II 410/2015) annex, data export in BMF's JSON layout; in force since 2017-04-01. Open systems
    (certificates) and closed ones (public keys). Certificates are not checked against a revocation list.
    """

    class Config(Options):
        export: Expression = Field(description="The export.", examples=["@"])
        keys: Value = Field(
            description="Certificates or public keys, base64 or PEM, by the id receipts name them with: {id: key}, or rows with `id` and `key`.",
            examples=["lookup('rksv-keys', box)"],
        )
        aes_secret: SecretName | None = Field(
            None,
            description="Name of the secret with the key of the turnover counter; without it no counter is checked.",
            examples=["rksv_aes"],
        )
        into: Path | None = Field(
            None, description="Where the report goes; `report` when left out.", examples=["report"]
        )

    def __init__(self, config: Config, build: Build) -> None:
        announce(build, "cryptography", "step `rksv_export`")
        announce_secret(build, config.aes_secret, "aes_secret")
        self._config = config
        self._into = config.into or ("report",)

    def run(self, frame: Frame) -> None:
        require("cryptography", "step `rksv_export`")
        document = record_of(self._config.export, frame.data, frame.env, "DEP export")
        keys = keys_of(self._config.keys, frame.data, frame.env)
        try:
            report = check(document, keys, aes_of(self._config.aes_secret, frame.env))
        except ValueError as error:
            raise Rejected("fiscal-record-invalid", f"this is no DEP export: {error}") from None
        if report.problems:
            more = len(report.problems) - SHOWN
            detail = "; ".join(report.problems[:SHOWN]) + (f"; and {more} more" if more > 0 else "")
            raise Rejected("fiscal-export-invalid", detail, data={"problems": report.problems[:100]})
        facts = report.facts()
        del facts["problems"]
        frame.put(self._into, facts)

    def shape(self, shape: Shape) -> Shape:
        return shape.with_path(self._into, UNKNOWN)

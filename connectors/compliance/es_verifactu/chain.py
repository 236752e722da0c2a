"""The chain of one obliged party and system: pure functions from the state before to the entry and the state after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.compliance.es_verifactu.qr import Site, qr_of
from connectors.compliance.es_verifactu.record import Record, fits, huella, normalized, read
from connectors.compliance.support.links import Link, Rules, joined
from engine.sdk import Rejected

Entry = dict[str, Any]
_IDENTITY = ("IDEmisor", "NumSerie", "FechaExpedicion")


def issue(state: Mapping[str, Any] | None, fields: Mapping[str, Any], moment: str, site: Site) -> tuple[Entry, Entry]:
    """Make the record that follows in the chain. `moment` is used when the fields bring no time of their own.

    Raises Rejected `fiscal-record-invalid`.
    """
    before = dict(state) if state else {}
    try:
        draft = read({**normalized(_unsigned(fields), moment), "HuellaAnterior": before.get("head", "")})
        own = huella(draft)
    except ValueError as error:
        raise Rejected("fiscal-record-invalid", f"no record can be made: {error}") from None
    identity = {name: draft.fields[name] for name in draft.names if name.startswith(_IDENTITY)}
    record = _document(draft, identity, own, before.get("last"))
    last = {name.removesuffix("Anulada"): value for name, value in identity.items()}
    return {"record": record, **_entry(draft, own, site)}, {"head": own, "tail": "", "seen": [], "last": last}


def _unsigned(fields: Any) -> dict[str, Any]:
    """The values of a record to be made, flat. Raises ValueError for one that was made already."""
    if not isinstance(fields, Mapping):
        raise ValueError("it is not an object with the names of AEAT's record")
    if any(name in fields for name in ("Huella", "HuellaAnterior", "Encadenamiento")):
        raise ValueError("it carries a hash already; a record is never made twice, use `mode: verify`")
    nested = fields.get("IDFactura")
    rest = {name: value for name, value in fields.items() if name != "IDFactura"}
    return {**rest, **nested} if isinstance(nested, Mapping) else rest


def _document(draft: Record, identity: Mapping[str, Any], own: str, last: Any) -> dict[str, Any]:
    """The record as AEAT nests it; values that the hash is not over stay as they were given."""
    before = {"RegistroAnterior": {**(last or {}), "Huella": draft.previous}}
    return {
        "IDFactura": dict(identity),
        **{name: value for name, value in draft.fields.items() if name not in identity},
        "Encadenamiento": before if draft.previous else {"PrimerRegistro": "S"},
        "TipoHuella": "01",
        "Huella": own,
    }


def _entry(record: Record, own: str, site: Site) -> Entry:
    entry: Entry = {"hash": own, "previous": record.previous}
    if record.kind == "alta":
        entry["qr"] = qr_of(record.fields, site)
    return entry


def verify(state: Mapping[str, Any] | None, document: Any, rules: Rules, site: Site) -> tuple[Entry, Entry]:
    """Check a record and its link to the one before.

    Raises Rejected `fiscal-record-invalid`, `fiscal-hash-mismatch`, and what `links.joined` raises.
    """
    try:
        record = read(document)
    except ValueError as error:
        raise Rejected("fiscal-record-invalid", f"this is no VeriFactu record: {error}") from None
    if not record.own:
        raise Rejected("fiscal-record-missing", "the record has no Huella: it was never signed into a chain")
    if not fits(record):
        raise Rejected("fiscal-hash-mismatch", "the Huella is not that of this record: something was changed")
    try:
        entry = _entry(record, record.own, site)
    except ValueError as error:
        raise Rejected("fiscal-record-invalid", f"this is no VeriFactu record: {error}") from None
    return entry, joined(state, Link(record.own, record.previous, not record.previous), rules)

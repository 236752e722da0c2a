"""Registration (alta) and cancellation (anulacion) records in AEAT's own names, and the text their hash is over."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import product
from typing import Any, Literal, NamedTuple

from connectors.compliance.support.amounts import spellings, two_places

ALTA = (
    "IDEmisorFactura", "NumSerieFactura", "FechaExpedicionFactura", "TipoFactura", "CuotaTotal", "ImporteTotal",
    "Huella", "FechaHoraHusoGenRegistro",
)  # fmt: skip
ANULACION = (
    "IDEmisorFacturaAnulada", "NumSerieFacturaAnulada", "FechaExpedicionFacturaAnulada", "Huella",
    "FechaHoraHusoGenRegistro",
)  # fmt: skip
AMOUNTS = ("CuotaTotal", "ImporteTotal")
_BLOCKS = ("RegistroAlta", "RegistroAnulacion", "IDFactura")
_ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_DAY = re.compile(r"(\d{2})-(\d{2})-(\d{4})", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{2}:\d{2}", re.ASCII)

Kind = Literal["alta", "anulacion"]


class Record(NamedTuple):
    """One record.

    fields    its values by AEAT's names, without the two hashes
    previous  hash of the record before it; empty for the first of a chain
    own       its own hash; empty while it has none
    """

    kind: Kind
    fields: Mapping[str, Any]
    previous: str
    own: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the values the hash is over, in order."""
        return ALTA if self.kind == "alta" else ANULACION


def read(document: Any) -> Record:
    """A record nested as AEAT's XML has it, or flat; with or without a namespace in its names. Raises ValueError."""
    if not isinstance(document, Mapping):
        raise ValueError("it is not an object with the names of AEAT's record")
    flat = dict(_flat(document))
    kind: Kind = "anulacion" if "NumSerieFacturaAnulada" in flat else "alta"
    chain = flat.pop("Encadenamiento", None)
    previous = _text(flat.pop("HuellaAnterior", "")) or _quoted(chain)
    own = _text(flat.pop("Huella", ""))
    record = Record(kind, flat, previous, own)
    missing = [name for name in record.names if name != "Huella" and not _text(flat.get(name, ""))]
    if missing:
        raise ValueError(f"it has no {', '.join(missing)}")
    return record


def _flat(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, raw in document.items():
        value = _plain(raw)
        bare = name.rpartition(":")[2]
        if bare in _BLOCKS and isinstance(value, Mapping):
            yield from _flat(value)
        else:
            yield bare, value


def _plain(value: Any) -> Any:
    """A value out of XML's normal form: the only element of a list, the text of an element with attributes."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value["#"] if isinstance(value, Mapping) and "#" in value else value


def _quoted(chain: Any) -> str:
    if not isinstance(chain, Mapping):
        return ""
    names = {name.rpartition(":")[2]: _plain(value) for name, value in chain.items()}
    before = names.get("RegistroAnterior")
    return _quoted_hash(before) if isinstance(before, Mapping) else ""


def _quoted_hash(before: Mapping[str, Any]) -> str:
    return next((_text(_plain(value)) for name, value in before.items() if name.rpartition(":")[2] == "Huella"), "")


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def canonical(record: Record, amounts: Mapping[str, str]) -> str:
    """The text the hash is over. `amounts` holds the amounts as they are to be written."""
    values = {**record.fields, **amounts, "Huella": record.previous}
    return "&".join(f"{name}={_text(values[name])}" for name in record.names)


def digest(text: str) -> str:
    """SHA-256 over UTF-8, in upper case hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest().upper()


def huella(record: Record) -> str:
    """The hash of a record as tillflow writes it: amounts with two decimals. Raises ValueError."""
    named = [name for name in AMOUNTS if name in record.names]
    try:
        return digest(canonical(record, {name: two_places(record.fields[name]) for name in named}))
    except ValueError as error:
        raise ValueError(f"its amounts cannot be written: {error}") from None


def fits(record: Record) -> bool:
    """Whether the record's own hash is right, however its maker wrote the amounts: 123.1 and 123.10 are one amount."""
    named = [name for name in AMOUNTS if name in record.names]
    spelled = [spellings(record.fields[name]) for name in named]
    return any(
        digest(canonical(record, dict(zip(named, texts, strict=True)))) == record.own for texts in product(*spelled)
    )


def normalized(fields: Mapping[str, Any], moment: str) -> dict[str, Any]:
    """The values of a new record as they go into it: trimmed, dates dd-mm-yyyy, two decimals. Raises ValueError."""
    made = {name: value if isinstance(value, Mapping | list) else _text(value) for name, value in fields.items()}
    for name in fields:
        if name.startswith("FechaExpedicionFactura"):
            made[name] = spanish_day(_text(fields[name]))
        elif name in AMOUNTS:
            made[name] = two_places(fields[name])
    at = str(made.get("FechaHoraHusoGenRegistro") or moment).replace("Z", "+00:00")
    if not _MOMENT.fullmatch(at):
        raise ValueError("FechaHoraHusoGenRegistro is not a moment with its offset: 2027-01-01T19:20:30+01:00")
    made["FechaHoraHusoGenRegistro"] = at
    return made


def spanish_day(text: str) -> str:
    """`2027-01-31` or `31-01-2027` as `31-01-2027`. Raises ValueError."""
    if match := _ISO_DAY.fullmatch(text):
        year, month, day = match.groups()
    elif match := _DAY.fullmatch(text):
        day, month, year = match.groups()
    else:
        raise ValueError(f"{text!r} is not a date")
    date(int(year), int(month), int(day))
    return f"{day}-{month}-{year}"

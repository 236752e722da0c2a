"""The content of the QR code on a VeriFactu invoice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

from connectors.compliance.es_verifactu.record import spanish_day
from connectors.compliance.support.amounts import two_places

Site = Literal["production", "test"]
SITES: Mapping[Site, str] = {
    "production": "https://www2.agenciatributaria.gob.es/wlpl/TIKE-CONT/ValidarQR",
    "test": "https://prewww2.aeat.es/wlpl/TIKE-CONT/ValidarQR",
}


def qr_url(nif: str, number: str, day: str, total: Any, site: Site = "production") -> str:
    """The address a customer checks an invoice at. Raises ValueError for a date or amount that is none."""
    values = {
        "nif": nif.strip(),
        "numserie": number.strip(),
        "fecha": spanish_day(day.strip()),
        "importe": two_places(total),
    }
    return SITES[site] + "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items())


def qr_of(fields: Mapping[str, Any], site: Site) -> str:
    """The same for a registration record."""
    identity = (str(fields[name]) for name in ("IDEmisorFactura", "NumSerieFactura", "FechaExpedicionFactura"))
    nif, number, day = identity
    return qr_url(nif, number, day, fields["ImporteTotal"], site)

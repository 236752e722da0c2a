"""Brazil, NFC-e: the access key of a consumer invoice and its QR code, version 2."""

from connectors.compliance.br_nfce.functions import nfce_key, nfce_key_ok, nfce_qr, nfce_qr_offline
from engine.sdk import Connector

connector = Connector(
    "compliance.br_nfce",
    components=(nfce_key, nfce_key_ok, nfce_qr, nfce_qr_offline),
    summary="Brazil: NFC-e access key and QR code",
)

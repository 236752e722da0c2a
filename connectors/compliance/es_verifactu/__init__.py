"""Spain, VeriFactu: the hash chain of invoicing records, and the QR code."""

from connectors.compliance.es_verifactu.functions import verifactu_hash, verifactu_hash_ok, verifactu_qr
from connectors.compliance.es_verifactu.step import Verifactu
from engine.sdk import Connector

connector = Connector(
    "compliance.es_verifactu",
    components=(Verifactu, verifactu_hash, verifactu_hash_ok, verifactu_qr),
    summary="Spain: VeriFactu hash chain and QR code",
)

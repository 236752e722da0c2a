"""Germany, KassenSichV: the QR code of a TSE, parsed and verified. Never signed again."""

from connectors.compliance.de_kassensichv.functions import tse_ok, tse_parts
from connectors.compliance.de_kassensichv.step import KassenSichV
from engine.sdk import Connector

connector = Connector(
    "compliance.de_kassensichv",
    components=(KassenSichV, tse_ok, tse_parts),
    summary="Germany: TSE signatures of receipts verified and carried",
)

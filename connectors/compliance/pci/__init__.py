"""PCI DSS: card numbers shortened for display and for storage."""

from connectors.compliance.pci.functions import pan_found, pan_shown, pan_truncated
from engine.sdk import Connector

connector = Connector(
    "compliance.pci",
    components=(pan_shown, pan_truncated, pan_found),
    summary="Card numbers shortened for display and storage",
)

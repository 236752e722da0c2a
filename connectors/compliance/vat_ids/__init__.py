"""Tax and VAT numbers: form and check digits."""

from connectors.compliance.vat_ids.functions import tax_id, tax_id_ok, vat_id_ok
from engine.sdk import Connector

connector = Connector(
    "compliance.vat_ids", components=(vat_id_ok, tax_id_ok, tax_id), summary="VAT and tax numbers checked"
)

"""Portugal: the chained signature of certified invoicing programs, and the ATCUD."""

from connectors.compliance.pt_invoices.functions import pt_atcud, pt_hash_characters
from connectors.compliance.pt_invoices.step import PtInvoice
from engine.sdk import Connector

connector = Connector(
    "compliance.pt_invoices",
    components=(PtInvoice, pt_atcud, pt_hash_characters),
    summary="Portugal: chained signature of documents and ATCUD",
)

"""Spain, TicketBAI (Basque Country): the identifier of an invoice and its QR code."""

from connectors.compliance.es_ticketbai.functions import ticketbai_id, ticketbai_ok, ticketbai_qr
from engine.sdk import Connector

connector = Connector(
    "compliance.es_ticketbai",
    components=(ticketbai_id, ticketbai_qr, ticketbai_ok),
    summary="Spain: TicketBAI identifier and QR code",
)

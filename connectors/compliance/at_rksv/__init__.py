"""Austria, RKSV: signed and chained receipts of cash boxes, and their export."""

from connectors.compliance.at_rksv.export_step import RksvExport
from connectors.compliance.at_rksv.functions import rksv_dep, rksv_ocr, rksv_qr
from connectors.compliance.at_rksv.step import Rksv
from engine.sdk import Connector

connector = Connector(
    "compliance.at_rksv",
    components=(Rksv, RksvExport, rksv_dep, rksv_qr, rksv_ocr),
    summary="Austria: RKSV signatures, chain, turnover counter, DEP export",
)

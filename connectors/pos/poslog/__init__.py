"""ARTS POSLog: the receipts of tills, in the dialects that are met (NCR 2.x and 6.0)."""

from connectors.pos.poslog.format import PosLog
from engine.sdk import Connector

connector = Connector("pos.poslog", components=(PosLog,), summary="Receipts of tills as ARTS POSLog XML")

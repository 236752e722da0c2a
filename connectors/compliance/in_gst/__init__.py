"""India, GST: the invoice reference number of an e-invoice."""

from connectors.compliance.in_gst.functions import irn, irn_ok
from engine.sdk import Connector

connector = Connector("compliance.in_gst", components=(irn, irn_ok), summary="India: GST invoice reference number")

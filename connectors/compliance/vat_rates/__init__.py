"""VAT rates by the date they hold from."""

from connectors.compliance.vat_rates.functions import vat_rate, vat_rate_is
from engine.sdk import Connector

connector = Connector("compliance.vat_rates", components=(vat_rate, vat_rate_is), summary="VAT rates by date")

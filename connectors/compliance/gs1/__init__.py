"""GS1: check digits of GTIN, GLN and SSCC."""

from connectors.compliance.gs1.functions import gs1_check_digit, gs1_gtin14
from engine.sdk import Connector

connector = Connector("compliance.gs1", components=(gs1_check_digit, gs1_gtin14), summary="GS1 check digits")

"""GDPR: pseudonyms under a key per region, and their erasure by destroying the key."""

from connectors.compliance.gdpr.functions import pseudonym
from engine.sdk import Connector

connector = Connector(
    "compliance.gdpr", components=(pseudonym,), summary="Pseudonyms of personal data, keyed per region"
)

"""Formats any carrier can bring: csv, fixed_width, json, ndjson, xml."""

from connectors.core.formats.csv_format import Csv
from connectors.core.formats.fixed_width import FixedWidth
from connectors.core.formats.json_formats import Json, NdJson
from connectors.core.formats.xml_format import Xml
from engine.sdk import Connector

connector = Connector(
    "core.formats", components=(Csv, FixedWidth, Json, NdJson, Xml), summary="Formats any carrier can bring"
)

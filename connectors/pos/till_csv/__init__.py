"""Line exports of tills: one row per line of a receipt, German or US separators."""

from connectors.pos.till_csv.format import TillCsv
from engine.sdk import Connector

connector = Connector("pos.till_csv", components=(TillCsv,), summary="Line exports of tills as CSV")

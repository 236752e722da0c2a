"""HTTP: webhooks in, requests out, and the schemes that say who sends them."""

from connectors.core.http.auth import SCHEMES
from connectors.core.http.call import HttpCall
from connectors.core.http.connection import HttpConnection
from connectors.core.http.sink import HttpSink
from connectors.core.http.source import HttpSource
from engine.sdk import Connector

connector = Connector(
    "core.http",
    components=(HttpSource, HttpSink, HttpCall, *SCHEMES.values()),
    connection=HttpConnection,
    summary="Webhooks in, requests out",
)

"""Mail: notifications to people."""

from connectors.core.smtp.connection import SmtpConnection
from connectors.core.smtp.sink import SmtpSink
from engine.sdk import Connector

connector = Connector("core.smtp", components=(SmtpSink,), connection=SmtpConnection, summary="Mail to people")

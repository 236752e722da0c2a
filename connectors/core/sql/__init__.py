"""Tables of a PostgreSQL or SQLite database: written exactly once, read by named queries."""

from connectors.core.sql.call import SqlCall
from connectors.core.sql.connection import SqlConnection
from connectors.core.sql.sink import SqlSink
from engine.sdk import Connector

connector = Connector(
    "core.sql", components=(SqlSink, SqlCall), connection=SqlConnection, summary="Tables of PostgreSQL and SQLite"
)

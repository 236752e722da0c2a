"""Files in one folder: read when they are complete, archived when they are safe, written atomically."""

from connectors.core.files.connection import FilesConnection
from connectors.core.files.sink import FilesSink
from connectors.core.files.source import FilesSource
from engine.sdk import Connector

connector = Connector(
    "core.files", components=(FilesSource, FilesSink), connection=FilesConnection, summary="Files in one folder"
)

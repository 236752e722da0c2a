"""The backend for several processes and hosts: PostgreSQL remembers what was done."""

from engine.backends.postgres.blobs import PostgresBlobs
from engine.backends.postgres.connection import Patience
from engine.backends.postgres.store import PostgresStore

__all__ = ["Patience", "PostgresBlobs", "PostgresStore"]

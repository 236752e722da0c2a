"""Services for the tests of connectors."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session")
def postgres_dsn() -> str:
    """Address of a PostgreSQL to test with; skipped where there is none, unless this is CI."""
    dsn = os.environ.get("TILLFLOW_TEST_POSTGRES", "")
    if not dsn:
        why = "no PostgreSQL: run through `docker/services.sh run`, or set TILLFLOW_TEST_POSTGRES"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return dsn

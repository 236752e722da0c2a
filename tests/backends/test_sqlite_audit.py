"""Somebody who changes the audit in the file is found out."""

from __future__ import annotations

import pytest

from engine.backends.sqlite import SqliteDatabase, SqliteStore
from engine.core.clock import SystemClock
from engine.ports.store.audit import AuditAppend, AuditRow, AuditVerify

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("tampering", "first_wrong"),
    [
        ("UPDATE audit SET reason = 'approved' WHERE seq = 3", 3),
        ("UPDATE audit SET at = 99 WHERE seq = 5", 5),
        ("DELETE FROM audit WHERE seq = 2", 3),
        ("DELETE FROM audit WHERE seq = 1", 2),
        ("UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = 1) WHERE seq = 4", 4),
        ("UPDATE audit SET actor = 'anna' WHERE seq = 4", 0),
    ],
)
async def test_the_first_row_that_does_not_fit_is_named(tampering: str, first_wrong: int) -> None:
    database = SqliteDatabase(":memory:", SystemClock())
    store = SqliteStore(database, SystemClock())
    await store.open()
    for number in range(1, 6):
        await store.apply(AuditAppend(AuditRow(number, "anna", "work.discard", f"item-{number}", "double entry")))
    await database.submit(lambda connection: connection.execute(tampering).rowcount)
    assert await store.apply(AuditVerify()) == first_wrong
    await store.close()

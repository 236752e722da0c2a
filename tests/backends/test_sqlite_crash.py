"""A process that is killed at any moment: what it was answered is there, whole units only, and nothing is damaged."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from engine.backends.sqlite import SqliteDatabase, SqliteReader, SqliteStore, SqliteTransport
from engine.core.clock import SystemClock
from engine.ports.store.leases import SeenGet
from engine.ports.store.ledger import LedgerFind, LedgerKey
from engine.ports.transport import Address

pytestmark = pytest.mark.anyio

SALES, LANE = Address("route", "sales"), Address("lane", "erp")

# Publishes, receives, claims, forwards, acks; says after each answer what it was told.
WORKER = """
import asyncio, os, sys
from engine.backends.sqlite import SqliteDatabase, SqliteReader, SqliteStore, SqliteTransport
from engine.core.clock import SystemClock
from engine.ports.store.leases import SeenAdd
from engine.ports.store.ledger import ClaimRow, LedgerClaim, LedgerKey, LedgerSettle, SettleRow
from engine.ports.transport import Address, Outgoing, Topology

SALES, LANE = Address("route", "sales"), Address("lane", "erp")

def say(*words):
    os.write(1, (" ".join(words) + "\\n").encode())

async def feed(transport):
    for n in range(1_000_000):
        await transport.publish([Outgoing(SALES, {}, str(n).encode())])
        say("published", str(n))

async def forward(transport, store, subscription):
    while True:
        for receipt in await subscription.receive(20):
            name = receipt.body.decode()
            key = LedgerKey("2026-03-14", name)
            [claim] = await store.apply(LedgerClaim([ClaimRow(key, 1, "r", "s", "e", name)], "t", 0, 60.0))
            await transport.publish([Outgoing(LANE, {}, receipt.body)])
            await store.apply_all(LedgerSettle([SettleRow(key, "applied")], "t", 1), SeenAdd("applied", name, 1))
            say("applied", name)
            await subscription.ack([receipt])
            say("acked", name)

async def main():
    clock = SystemClock()
    database = SqliteDatabase(sys.argv[1], clock)
    transport, store = SqliteTransport(database, clock), SqliteStore(database, clock)
    await transport.open()
    await store.open()
    await transport.declare(Topology((SALES, LANE)))
    workers = [forward(transport, store, await transport.subscribe(SALES, 20)) for _ in range(4)]
    await asyncio.gather(feed(transport), *workers)

asyncio.run(main())
"""


def run_and_kill(path: Path, lines: int) -> dict[str, set[str]]:
    """Let the worker say so many lines, kill it, answer what it said: word -> names."""
    said: dict[str, set[str]] = {"published": set(), "applied": set(), "acked": set()}
    with subprocess.Popen([sys.executable, "-c", WORKER, str(path)], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        for number, line in enumerate(worker.stdout):
            if number == lines:
                worker.send_signal(signal.SIGKILL)
            if line.endswith("\n"):
                word, name = line.split()
                said[word].add(name)
    return said


async def left_in(transport: SqliteTransport, queue: Address) -> list[str]:
    subscription = await transport.subscribe(queue, 1_000_000)
    depth = (await transport.depths())[queue]
    names: list[str] = []
    while len(names) < depth.ready:
        names += [receipt.body.decode() for receipt in await subscription.receive(1000)]
    return names


@pytest.mark.parametrize("lines", [1, 50, 333, 1200])
async def test_a_killed_process_loses_nothing_it_was_answered(tmp_path: Path, lines: int) -> None:
    # given
    path = tmp_path / "tillflow.db"
    said = run_and_kill(path, lines)
    # when
    database = SqliteDatabase(path, SystemClock())
    transport, store = SqliteTransport(database, SystemClock()), SqliteStore(database, SystemClock())
    await transport.open()
    await store.open()
    waiting, forwarded = await left_in(transport, SALES), await left_in(transport, LANE)
    rows = await store.apply(LedgerFind([LedgerKey("2026-03-14", name) for name in said["published"]]))
    # then everything published is waiting, or acked after it was forwarded and applied; nothing twice
    assert len(set(waiting)) == len(waiting) and len(set(forwarded)) == len(forwarded)
    gone = said["published"] - set(waiting)
    assert gone <= set(forwarded)
    assert said["acked"].isdisjoint(waiting)
    assert all(rows[LedgerKey("2026-03-14", name)].state == "applied" for name in said["applied"] | gone)
    # and both writes of a unit are there, or none
    for name in said["published"]:
        row = rows.get(LedgerKey("2026-03-14", name))
        marked = await store.apply(SeenGet("applied", name)) is not None
        assert marked == (row is not None and row.state == "applied")
    await store.close()
    await transport.close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


async def test_a_reader_reads_what_a_killed_process_left(tmp_path: Path) -> None:
    path = tmp_path / "tillflow.db"
    said = run_and_kill(path, 100)
    reader = SqliteReader(path)
    await reader.open()
    rows = await reader.apply(LedgerFind([LedgerKey("2026-03-14", name) for name in said["applied"]]))
    assert {row.state for row in rows.values()} == {"applied"} and len(rows) == len(said["applied"])
    await reader.close()

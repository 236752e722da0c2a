"""PostgreSQL that is restarted, or away for longer than every timeout, while the broker is up."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request

import aio_pika
import pytest

from tests.faults.between import between
from tests.faults.conftest import Make
from tests.faults.own import OwnPostgres, free_port
from tests.faults.story import Ground, Story, two_sinks, under_load
from tests.proof import projects, till
from tests.proof.conftest import Outside
from tests.rabbitmq_broker import broker

pytestmark = pytest.mark.services

AWAY = 12.0  # seconds; more than a lease, a request's timeout and the patience of a source

# A request is published, relayed and published again: nothing in it needs the Store.
PLAIN = {
    "mappings/schemas/tick@1.yaml": "$id: tick@1\ntitle: A tick\nx-tillflow: {key: number}\ntype: object\n"
    "required: [number]\nproperties: {number: {type: string}}\n",
    "mappings/schemas/tock@1.yaml": "$id: tock@1\ntitle: A tock\nx-tillflow: {key: number}\ntype: object\n"
    "required: [number]\nproperties: {number: {type: string}}\n",
    "routes/plain-in.yaml": projects.route(
        "plain-in",
        "from: {use: core.http, connection: door, path: /ticks}\naccepts: tick@1\nto:\n  - {id: out, event: tick@1}\n",
        "operational",
    ),
    "routes/plain.yaml": projects.route(
        "plain", "from: {event: tick@1}\nto:\n  - {id: out, event: tock@1}\n", "operational"
    ),
}


@pytest.mark.parametrize("times", [3])
def test_a_database_that_is_restarted(
    make: Make, outside: Outside, plane: str, own_postgres: OwnPostgres, times: int
) -> None:
    story = make(Ground(broker(), own_postgres.dsn, outside, plane))

    def happen() -> None:
        for _ in range(times):
            own_postgres.stop()
            time.sleep(0.5)
            own_postgres.resume()
            time.sleep(1.5)

    under_load(story, happen)


def test_while_the_database_is_away_no_attempt_counts(make: Make, ground: Ground) -> None:
    few = two_sinks()
    connections = few["routes/connections.yaml"].replace("concurrency: 64", "concurrency: 2").replace("1s,", "5s,")
    files = few | {"routes/connections.yaml": connections}  # so that what piled up times out nowhere
    with between(ground.dsn) as way:
        story = make(ground, files, store=way.address)

        def happen() -> None:
            way.away()
            time.sleep(AWAY)
            assert '"the store is down' in story.told()
            way.back()

        under_load(story, happen)
        assert '"the store is back' in story.told()
        assert story.rows("select distinct attempt from ledger where route = 'posting'") == [(1,)]


def test_while_the_database_is_away_plain_routes_go_on(make: Make, ground: Ground) -> None:
    """Sales wait for it; ticks come in, are relayed, and arrive at somebody else's queue."""
    door = f"127.0.0.1:{free_port()}"
    connections = (
        two_sinks()["routes/connections.yaml"] + '  door: {connector: core.http, listen: "${DOOR}", zone: eu}\n'
    )
    files = two_sinks() | PLAIN | {"routes/connections.yaml": connections}
    with between(ground.dsn) as way:
        story = make(ground, files, store=way.address, environ={"DOOR": door})
        life = story.cast()
        asyncio.run(bound(story))
        tick(door, "before")
        way.away()
        story.until(life, lambda: '"the store is down' in story.told())
        story.drop("meanwhile.jsonl", till.written(map(till.sale, range(20))))
        for number in range(20):
            assert tick(door, str(number)) == 202
        arrived = asyncio.run(taken(story, 21))
        applied = story.applied("once")
        way.back()
        story.end(life)
    assert sorted(arrived) == sorted(["before", *map(str, range(20))])
    assert applied == {}, "a sale was applied without the ledger"


def tick(door: str, number: str) -> int:
    """The status that a webhook is answered."""
    body = json.dumps({"number": number}).encode()
    request = urllib.request.Request(f"http://{door}/ticks", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(answer.status)


async def bound(story: Story) -> None:
    """A queue of somebody else at the bus: what ticks become."""
    async with await aio_pika.connect(story.ground.broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(f"{story.cell}.others", durable=True)
        await queue.bind(f"{story.cell}.bus", "tock")


async def taken(story: Story, count: int) -> list[str]:
    """The numbers of so many tocks."""
    async with await aio_pika.connect(story.ground.broker.url) as connection:
        queue = await (await connection.channel()).get_queue(f"{story.cell}.others")
        found: list[str] = []
        async with asyncio.timeout(30):
            while len(found) < count:
                message = await queue.get(fail=False, no_ack=True)
                if message is None:
                    await asyncio.sleep(0.05)
                else:
                    found.append(json.loads(message.body)["number"])
        return found

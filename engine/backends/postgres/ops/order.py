"""Operations of ports.store.order that give numbers, and `ordering: latest`."""

from __future__ import annotations

from engine.backends.postgres.draft import Draft, want
from engine.backends.postgres.ops.topic import Directs, Write, Writes, flush_of, load_of
from engine.backends.postgres.table import INTEGER, TEXT, Table
from engine.ports.store.order import Birth, LatestClaim, OrderNumber

COUNTER = Table("order_counter", {"type": TEXT, "order_key": TEXT}, {"last": INTEGER}, loaded=("last",))
NUMBER = Table(
    "order_number",
    {"type": TEXT, "event_id": TEXT},
    {"day": TEXT, "order_key": TEXT, "number": INTEGER},
    loaded=("number",),
    lock=False,
)
LATEST = Table("latest", {"fence": TEXT, "order_key": TEXT}, {"version": INTEGER}, loaded=("version",))

# Counters first: who holds a key's counter sees every number of that key.
load, flush = load_of(COUNTER, NUMBER, LATEST), flush_of(COUNTER, NUMBER, LATEST)


def _want_numbers(draft: Draft, op: OrderNumber) -> None:
    want(COUNTER, draft, [(birth.type_name, birth.order_key) for birth in op.births])
    want(NUMBER, draft, [(birth.type_name, birth.event_id) for birth in op.births])


def _want_versions(draft: Draft, op: LatestClaim) -> None:
    want(LATEST, draft, [(op.fence, key) for key, _ in op.versions])


def number(draft: Draft, op: OrderNumber) -> list[int]:
    return [_number(draft, birth) for birth in op.births]


def _number(draft: Draft, birth: Birth) -> int:
    numbers, counters = draft.of(NUMBER), draft.of(COUNTER)
    event, key = (birth.type_name, birth.event_id), (birth.type_name, birth.order_key)
    given = numbers.get(event)
    if given is not None:
        return int(given["number"])
    counter = counters.get(key)
    new = 1 if counter is None else int(counter["last"]) + 1
    if counter is None:
        counters.add(key, {"last": new})
    else:
        counters.change(key, last=new)
    numbers.add(event, {"day": birth.day, "order_key": birth.order_key, "number": new})
    return new


def latest(draft: Draft, op: LatestClaim) -> list[bool]:
    return [_newest(draft, (op.fence, key), version) for key, version in op.versions]


def _newest(draft: Draft, key: tuple[str, str], version: int) -> bool:
    rows = draft.of(LATEST)
    there = rows.get(key)
    if there is None:
        rows.add(key, {"version": version})
    elif version < there["version"]:
        return False
    elif version > there["version"]:
        rows.change(key, version=version)
    return True


WRITES: Writes = {OrderNumber: Write(_want_numbers, number), LatestClaim: Write(_want_versions, latest)}
READS: Directs = {}

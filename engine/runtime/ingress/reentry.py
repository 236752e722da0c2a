"""The record of a work item read once more, edited or not: what is in it, and whether that can take its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from msgspec import structs

from engine.compile.plan import Plan
from engine.core.errors import Permanent, Transient
from engine.core.jsonx import decode
from engine.plugins.contracts import Format, Record
from engine.ports.store.work import WorkItem
from engine.runtime.carrying.codec import BLOB
from engine.runtime.carrying.largebodies import missing
from engine.runtime.ingress.intake import Origin, Refused, Taken, decoded

NO_RECORD = "no-record"
_HEADED = "this holds a header row and no record; keep line 1 and put the corrected line below it"
_EMPTY = "this holds no record; write the whole record, as it would stand in a file of its own"

Headers = Mapping[str, str | int]


def origin_again(item: WorkItem, headers: Headers, now: int) -> Origin:
    """Where it came from, as it was kept. `now`: in place of an arrival that was not."""
    return Origin(
        content=str(headers.get("tf-content", "")),
        own_id=str(headers.get("tf-own-id", "")),
        at=int(headers.get("tf-time", 0)) or now,
        size=len(item.body),
        headers={name[2:]: str(value) for name, value in headers.items() if name.startswith("h-")},
    )


def refuse_unkept(item: WorkItem, headers: Headers) -> None:
    """Raises Permanent where nothing is there that could be read again."""
    if BLOB in headers:
        raise missing(str(headers[BLOB]))
    if not item.body and (_number(headers) < 0 or headers.get("tf-decoded")):
        text = "it was refused unread; offer it again in another form, then resolve this item"
        raise Permanent("nothing-kept", text)


def records_again(
    plan: Plan, item: WorkItem, origin: Origin, headers: Headers, format: Format | None
) -> list[Record | Refused]:
    """What is in it now, at the place it has in its file."""
    raw = item.body
    number, line = _number(headers), int(headers.get("h-line", 0) or 0)
    if headers.get("tf-decoded"):
        return [Record(decode(raw), number, line)]
    if format is None:
        return [Refused(item.subject, Transient("no-format", f"route {plan.route} names no format"), raw, False, 0)]
    found = list(decoded(plan, raw, origin.headers.get("file", ""), origin, format))
    return found if number < 0 else [_back_at(one, number, line) for one in found]


def nothing_in(found: Sequence[object], raw: bytes) -> Permanent | None:
    """Why it must not go on: nothing would come of it, and the item would close all the same."""
    return None if found else Permanent(NO_RECORD, _HEADED if _one_row(raw) else _EMPTY)


def without_header(before: bytes, edited: bytes, gives_nothing: Callable[[bytes], bool]) -> Permanent | None:
    """Why it must not go on: the header row that stood over the record is gone, so another row would be read as one.

    gives_nothing   whether the format finds no record in a row alone: then it is a header
    """
    first, *below = before.splitlines(keepends=True) or [b""]
    if not below or first.strip() == (edited.splitlines() or [b""])[0].strip() or not gives_nothing(first):
        return None
    return Permanent(NO_RECORD, "the header row is gone from line 1; keep it and put the corrected line below it")


def taken_for_one(taken: Sequence[Taken]) -> Permanent | None:
    """Why it must not go on: records in the place of one that have one identity absorb each other."""
    if len({one.event.id for one in taken}) == len(taken):
        return None
    text = (
        f"this holds {len(taken)} records in the place of one, which cannot be told apart; "
        "keep the one this item is about, and offer the others in a file of their own"
    )
    return Permanent("several-records", text)


def is_whole(item_headers: Headers) -> bool:
    """It is a whole document, not one record of it."""
    return _number(item_headers) < 0


def _number(headers: Headers) -> int:
    return int(headers.get("tf-number", 0))


def _one_row(raw: bytes) -> bool:
    """One line that is no JSON and no XML: of a format with rows it can only have been read as their header."""
    rows = [row.strip() for row in raw.splitlines() if row.strip()]
    return len(rows) == 1 and rows[0][:1] not in (b"[", b"{", b"<")


def _back_at(one: Record | Refused, number: int, line: int) -> Record | Refused:
    """A record that was decoded alone, at the place it has in its file."""
    if isinstance(one, Record):
        return replace(one, number=number, line=line)
    if not one.line or not line:
        return structs.replace(one, number=number, line=line)
    told = one.failure
    detail = told.detail.replace(f"line {one.line}", f"line {line}", 1)
    failure = Permanent(told.reason, detail, data={**told.data, "line": line})
    return structs.replace(one, failure=failure, number=number, line=line)

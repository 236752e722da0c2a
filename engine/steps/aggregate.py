"""Step type `aggregate`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from engine.core.jsonx import over_caps
from engine.core.money import total
from engine.core.quoting import short
from engine.sdk import (
    Build,
    Condition,
    Count,
    Cut,
    Duration,
    Frame,
    Kept,
    Key,
    Options,
    Path,
    Permanent,
    SchemaRef,
    Shape,
    Value,
    ValueExpr,
    decode,
    evaluate,
    is_number,
    key_parts,
    key_text,
    put,
    reaching,
    step,
    written,
)

Fields = dict[str, Value]
PARTS = ("sum", "collect", "first", "last")


class Complete(Options):
    """When a group is complete: whichever comes first."""

    within: Duration = Field(description="longest time a group waits, from its first event", examples=["1h"])
    count: Count | None = Field(
        None, description="this many events: a number, or what the event itself says", examples=[10, "batch.size"]
    )
    trailer: Condition | None = Field(
        None, description="an event for which this holds is the last one; it counts", examples=["kind == 'day-close'"]
    )


@step("aggregate")
class Aggregate(Cut):
    """Collects events into groups and goes on with one event per group.

    `aggregate: {by: [store.id, business_date], complete: {within: 1h, count: 50}, sum: {gross: totals.gross}, first:
    {store: store.id}, output: store.day@1}`. Values are taken from each event when it joins, so later edits do not
    change what was counted. Sums are exact. `collect` makes lists in the order of joining, `first` and `last` take
    one event's value, `members` counts. An `optional` value that an event does not have is left out of it. Each event
    counts once, however often it is delivered; one that comes after its group is complete opens the next group of
    that key, which is complete after `within` at the latest. So a key may go on more than once: never pair an aggregate
    with an upsert keyed by the group alone, the late group would overwrite the first; add up, or key by the event's id.
    Groups wait in the Store and survive a restart.
    On failure: a key with a missing part is the work item `key-incomplete`, a missing value `missing-value`, a sum
    over something else than a number `not-a-number`; the event is in no group then. A sum of more
    than 40 digits is the work item `number-too-long` of its group.
    """

    reaches = reaching("state")

    class Config(Options):
        by: Key = Field(description="events with equal values are one group", examples=[["store.id", "business_date"]])
        complete: Complete = Field(description="when a group goes on")
        sum: Fields = Field(default_factory=dict, description="exact sums: path in the output to value of each event")
        collect: Fields = Field(default_factory=dict, description="lists of a value of each event")
        first: Fields = Field(default_factory=dict, description="the value of the first event that has one")
        last: Fields = Field(default_factory=dict, description="the value of the last event that has one")
        members: Path | None = Field(None, description="where the number of events goes", examples=["sales_count"])
        output: SchemaRef = Field(description="schema of what goes on", examples=["store.day@1"])

    def __init__(self, config: Config, build: Build) -> None:
        self._by, self._complete, self._members = config.by, config.complete, config.members
        self._output = str(config.output)
        self._fields: dict[str, dict[str, ValueExpr]] = {part: getattr(config, part) for part in PARTS}
        self._shape = build.shape_of(self._output)
        _check_paths(config, self._shape, build)

    def keep(self, frame: Frame) -> Kept:
        data, env = frame.data, frame.env
        body: dict[str, dict[str, Any]] = {}
        for part, fields in self._fields.items():
            body[part] = {path: made for path, value in fields.items() for made in evaluate(value, data, env, path)}
        for path, value in body["sum"].items():
            if not is_number(value):
                raise Permanent("not-a-number", f"sum `{path}`: {type(value).__name__} cannot be added up")
        trailer = self._complete.trailer
        return Kept(
            step="",
            kind="group",
            key=key_text(key_parts(self._by, data, env)),
            body=written(body),
            due=self._complete.within,
            close="trailer" if trailer is not None and trailer.condition(data, env) else "",
            size=self._size(frame),
            amount=frame.event.amount,
            output_key=frame.output_key,
        )

    def _size(self, frame: Frame) -> int:
        if self._complete.count is None:
            return 0
        made = evaluate(self._complete.count, frame.data, frame.env, "count")[0]
        if not is_number(made) or made < 1 or made != int(made):
            raise Permanent(
                "not-a-count", f"`complete.count` gives {short(repr(made))}; a whole number from 1 is needed"
            )
        return int(made)

    def resume(self, bodies: Sequence[bytes]) -> tuple[Any, str]:
        members = [decode(body) for body in bodies]
        data: Any = {}
        for part in PARTS:
            for path in self._fields[part]:
                values = [member[part][path] for member in members if path in member[part]]
                if values or part in ("sum", "collect"):
                    data = put(data, path.split("."), _joined(part, path, values))
        if self._members is not None:
            data = put(data, self._members, len(members))
        return data, self._output

    def shape(self, shape: Shape) -> Shape:
        return self._shape


def _joined(part: str, path: str, values: list[Any]) -> Any:
    if part == "sum":
        return _sum(path, values)
    if part == "collect":
        return values
    return values[0] if part == "first" else values[-1]


def _sum(path: str, values: list[Any]) -> Any:
    found = total(values)
    wrong = over_caps(found)
    if wrong:
        raise Permanent("number-too-long", f"sum `{path}`: {wrong}", data={"field": path})
    return found


def _check_paths(config: Aggregate.Config, output: Shape, build: Build) -> None:
    seen: set[str] = set()
    for part in PARTS:
        for path in getattr(config, part):
            if not all(name.isidentifier() for name in path.split(".")):
                build.finding("TF1127", f"`{path}` is not a path", part, path, help="write names joined by dots")
                continue
            if path in seen:
                build.finding("TF1173", f"`{path}` is filled twice", part, path)
            seen.add(path)
            _check_output(path, output, build, part, path)
    if config.members is not None:
        _check_output(".".join(config.members), output, build, "members")
    elif not seen:
        build.finding(
            "TF1173", "the group carries nothing", help="name at least one of sum, collect, first, last, members"
        )
    _check_complete({*seen, ".".join(config.members or ())}, output, build)


def _check_complete(made: set[str], output: Shape, build: Build) -> None:
    heads = {path.partition(".")[0] for path in made}
    for name, shape in output.fields.items():
        if not (shape.maybe or shape.defaulted or name in heads):
            text = f"{output.schema or 'the output'} requires `{name}`, and nothing here makes it"
            advice = f"name `{name}` under sum, collect, first, last, or as `members`"
            build.finding("TF3502", text, "output", help=advice)


def _check_output(path: str, output: Shape, build: Build, *at: str) -> None:
    build.check(ValueExpr(expr=build.expression(path), optional=True), output, *at)

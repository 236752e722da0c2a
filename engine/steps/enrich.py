"""Step type `enrich`."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any

from pydantic import Field

from engine.core.quoting import short
from engine.sdk import (
    PURE,
    UNKNOWN,
    Build,
    Duration,
    Expression,
    Frame,
    Key,
    Options,
    Path,
    Permanent,
    Reason,
    Shape,
    Step,
    TableRef,
    Value,
    key_parts,
    put,
    step,
)
from engine.steps.support.cache import YES_OR_NO, Cache
from engine.steps.support.calling import SHOWN, TIMEOUT, Asker, CallTarget, Retry
from engine.steps.support.items import Each, item_scope, list_at, scope_with, shape_at
from engine.steps.support.paths import check_path
from engine.steps.support.rejecting import Refusal

REASON = "reference-missing"


class Missing(Options):
    """What becomes of an event whose reference is not there."""

    work_item: Reason | None = Field(None, description="reason of the work item", examples=["unknown-sku"])
    detail: Value | None = Field(None, description="a sentence for the person who decides")
    owner: str | None = Field(None, description="who decides; the route's owner when left out", min_length=1)
    default: dict[str, Any] | None = Field(None, description="what stands in place of it; no work item then")


@step("enrich")
class Enrich(Step):
    """Adds what a reference table or another system knows.

    `enrich: {table: stores, key: store.id, into: store.details}`; for every item of a list `enrich: {each: {in:
    lines, as: line}, table: products, key: line.sku, into: line.product}`. Instead of a table, `call: {use,
    connection, action, with}` asks a system, best with `cache: {ttl, max_stale}`: events that miss the same entry at
    the same time ask once, and an old answer serves while the system is down, as in `call`.
    On failure: nothing found is a work item, `reference-missing` or the reason and detail that `missing` gives,
    unless `missing: {default: ..}` says what stands in its place; never a null. A key with a missing part is
    `key-incomplete`. The data is not changed.
    """

    reaches = PURE

    class Config(Options):
        each: Each | None = Field(None, description="for every item of a list")
        table: TableRef | None = Field(None, description="a table of routes/tables.yaml", examples=["products"])
        key: Key | None = Field(None, description="key of the row", examples=["line.sku"])
        on: Expression | None = Field(
            None, description="the date the row must be valid on; the business date if left out"
        )
        call: CallTarget | None = Field(None, description="ask a system instead of a table")
        cache: Cache | None = Field(None, description="using an answer of the system again")
        timeout: Duration = Field(
            TIMEOUT, json_schema_extra=SHOWN, description="how long one try of a call may take", examples=["5s"]
        )
        retry: Retry | None = Field(None, description="trying a call again in place")
        into: Path = Field(description="where it goes; with `each`, inside the item", examples=["line.product"])
        missing: Missing | None = Field(None, description="when nothing is found")

    def __init__(self, config: Config, build: Build) -> None:
        self._each, self._into = config.each, config.into
        self._table, self._key, self._on = config.table, config.key, config.on
        self._missing = config.missing
        self._refusal = None if config.missing is None else _refusal(config.missing)
        _check(config, build)
        self._row = build.table(config.table) if config.table is not None else UNKNOWN
        self._asker = None if config.call is None else _asker(config, config.call, build)
        self._field = config.into[1:] if config.each is not None else config.into
        stale = config.cache.stale_into if config.cache is not None else None
        self._stale = stale[1:] if stale is not None and config.each is not None else stale

    def run(self, frame: Frame) -> Awaitable[None] | None:
        if self._asker is not None:
            return self._ask(frame, self._asker)
        if self._each is None:
            frame.put(self._into, self._found(frame, frame.data, self._look_up(frame, frame.data)))
            return None
        data, name, field = frame.data, self._each.as_, self._field
        items, scope = [], scope_with(data, name, None)
        for item in list_at(data, self._each.in_):
            scope[name] = item
            items.append(put(item, field, self._found(frame, scope, self._look_up(frame, scope))))
        frame.put(self._each.in_, items)
        return None

    async def _ask(self, frame: Frame, asker: Asker) -> None:
        if self._each is None:
            answer = await asker.ask(frame, frame.data)
            frame.put(self._into, self._found(frame, frame.data, answer.value))
            if self._stale is not None:
                frame.put(self._stale, answer.stale)
            return
        data, items = frame.data, []
        for item in list_at(data, self._each.in_):
            scope = scope_with(data, self._each.as_, item)
            answer = await asker.ask(frame, scope)
            item = put(item, self._field, self._found(frame, scope, answer.value))
            items.append(item if self._stale is None else put(item, self._stale, answer.stale))
        frame.put(self._each.in_, items)

    def _look_up(self, frame: Frame, scope: Any) -> Any:
        assert self._table is not None and self._key is not None
        parts = key_parts(self._key, scope, frame.env)
        day = "" if self._on is None else self._on(scope, frame.env)
        if not isinstance(day, str):
            raise Permanent(
                "not-a-date", f"`{short(self._on.text) if self._on else ''}` gives {short(repr(day))}; a date is needed"
            )
        return frame.env.find(self._table, parts[0] if len(parts) == 1 else parts, day)

    def _found(self, frame: Frame, scope: Any, found: Any) -> Any:
        if found is not None:
            return found
        if self._missing is not None and self._missing.default is not None:
            return self._missing.default
        what = self._describe(frame, scope)
        if self._refusal is not None:
            raise self._refusal.failure(scope, frame.env, what)
        raise Permanent(REASON, what)

    def _describe(self, frame: Frame, scope: Any) -> str:
        if self._key is None or self._table is None:
            return f"{self._asker.bound.connection if self._asker else ''} knows nothing of it"
        parts = key_parts(self._key, scope, frame.env)
        return f"table {self._table} has no row {', '.join(map(str, parts))}"

    def shape(self, shape: Shape) -> Shape:
        before = () if self._each is None else (*self._each.in_, "[]")
        if self._field:  # or `into` does not lie inside the item, which has a finding of its own
            shape = shape.with_path((*before, *self._field), self._row)
        return shape.with_path((*before, *self._stale), YES_OR_NO) if self._stale else shape


def _refusal(missing: Missing) -> Refusal:
    return Refusal(missing.work_item or REASON, missing.detail, missing.owner)


def _asker(config: Enrich.Config, target: CallTarget, build: Build) -> Asker:
    each = config.each
    adds = {} if each is None else {each.as_: shape_at(build.shape, each.in_).item()}
    bound = build.call(target.body(cached=config.cache is not None), "call", adds=adds)
    if bound.guarantee is not None:
        build.finding(
            "TF1165", f"`{bound.action}` changes something; enrich only reads", "call", "action", help="use `call`"
        )
    return Asker(bound, build, timeout=config.timeout, retry=config.retry, cache=config.cache)


def _check(config: Enrich.Config, build: Build) -> None:
    if (config.table is None) == (config.call is None):
        build.finding(
            "TF1163",
            "enrich has exactly one of `table` and `call`",
            help="write `table:` and `key:` for a reference table, `call:` for another system",
        )
    elif (config.table is None) != (config.key is None):
        build.finding(
            "TF1163", "a table is read by a `key`, and only a table", help="name both, or neither with `call`"
        )
    if config.cache is not None:
        config.cache.check(build, "cache")
    missing = config.missing
    if missing is not None and (missing.work_item is None) == (missing.default is None):
        build.finding("TF1166", "`missing` has exactly one of `work_item` and `default`", "missing")
    scope = build.shape
    if config.each is not None:
        _check_inside(build, config.each, config.into, "into")
        if config.cache is not None and config.cache.stale_into is not None:
            _check_inside(build, config.each, config.cache.stale_into, "cache", "stale_into")
        check_path(config.each.in_, build, "each", "in")
        scope = item_scope(scope, config.each)
    if config.key is not None:
        build.check(config.key, scope, "key")
    if config.on is not None:
        build.check(config.on, scope, "on")
    if missing is not None and missing.detail is not None:
        build.check(missing.detail, scope, "missing", "detail")


def _check_inside(build: Build, each: Each, path: Sequence[str], *at: str) -> None:
    if len(path) < 2 or path[0] != each.as_:
        right = f"{each.as_}.{path[-1]}"
        build.finding("TF1164", f"with `each`, `{at[-1]}` lies inside the item", *at, help=right, suggestion=right)

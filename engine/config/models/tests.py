"""Skeleton of *.test.yaml: what is given, what stands in for systems, what is expected."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.config.models.base import Date, DurationText, Name, Raw, Skeleton, Word, problem


class GivenDoc(Skeleton):
    """What a test starts from: events (canonical) or files (as a source would bring them)."""

    event: Annotated[Raw, Field(description="A file with one event's data, or the data itself.")] = None
    events: Annotated[list[Raw] | None, Field(description="Several of them.")] = None
    file: Annotated[Word | None, Field(description="A native file, as the route's source would bring it.")] = None
    files: list[Word] | None = None
    set: Annotated[dict[str, Raw], Field(description="Values to put into the event first, by path.")] = Field(
        default_factory=dict
    )
    remove: Annotated[list[Word], Field(description="Paths to take out of the event first.")] = Field(
        default_factory=list
    )
    times: Annotated[int, Field(ge=1, le=1000, description="How often it arrives.")] = 1
    shuffle: Annotated[int | None, Field(description="Seed of a random order.")] = None
    every_scope: Annotated[bool, Field(description="Run the case through the Plan of each scope.")] = False
    headers: dict[str, str] = Field(default_factory=dict)
    key: Word | None = None
    schema_: Annotated[
        Word | None, Field(alias="schema", description="Schema of the data, where the route does not say.")
    ] = None


class StubDoc(Skeleton):
    """What stands in for a step, a sink or a connection."""

    fail: Literal["transient", "throttled", "permanent", "unknown_outcome"] | None = None
    reason: Word | None = None
    status: Annotated[int | None, Field(ge=100, le=599)] = None
    returns: Raw = None
    delay: DurationText = None
    lasts: DurationText = None
    times: Annotated[int | None, Field(ge=1)] = None
    applied: Annotated[
        bool, Field(description="With unknown_outcome: the effect was made before the answer got lost.")
    ] = False
    retry_after: DurationText = None


class ClockDoc(Skeleton):
    """The virtual clock."""

    start: Annotated[Word | None, Field(description="Date or time the test begins at.")] = None
    advance: DurationText = None


class SinkExpectDoc(Skeleton):
    """What a sink received. Items are compared as subsets unless `$exact`; matchers start with `$`."""

    count: Raw = None
    items: list[Raw] | None = None
    attempts: Raw = None
    within: DurationText = None
    order: list[Raw] | None = None


class ExpectDoc(Skeleton):
    """What has to be true at the end."""

    sinks: dict[str, SinkExpectDoc] = Field(default_factory=dict)
    work_items: list[Raw] | None = None
    filtered: Raw = None
    output: Raw = None
    data: Raw = None
    schema_: Annotated[Word | None, Field(alias="schema")] = None
    reply: Raw = None
    duplicates: Raw = None
    error: Raw = None


Invariant = Literal["applied_at_most_once", "debit_equals_credit", "nothing_unaccounted", "same_state_in_any_order"]


class CaseDoc(Skeleton):
    """One test."""

    name: Word
    kind: Literal["example", "promise"] = "example"
    route: Name | None = None
    mapping: Name | None = None
    given: GivenDoc
    stub: dict[str, StubDoc] = Field(default_factory=dict)
    clock: ClockDoc | None = None
    expect: ExpectDoc | None = None
    invariants: list[Invariant] = Field(default_factory=list)
    review_by: Date | None = None

    @model_validator(mode="after")
    def _sound(self) -> CaseDoc:
        if self.route is not None and self.mapping is not None:
            raise problem("TF1108", "a test is about a route or a mapping", "remove one", path=("mapping",), key=True)
        if self.kind == "example" and self.expect is None and not self.invariants:
            raise problem("TF1102", "this test expects nothing", "add `expect:`", path=("name",))
        if self.kind == "promise" and not self.invariants:
            raise problem("TF1102", "a promise speaks in `invariants`", "add them", path=("kind",))
        return self


class TestsDoc(Skeleton):
    """A file of tests."""

    __test__ = False  # not a test class of pytest

    tillflow: Literal[1]
    tests: Annotated[list[CaseDoc], Field(min_length=1)]

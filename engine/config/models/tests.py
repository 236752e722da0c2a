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
    headers: Annotated[dict[str, str], Field(description="Facts of the carrier that come with it.")] = Field(
        default_factory=dict
    )
    key: Annotated[
        Word | None, Field(description="The source's own id of it, as a webhook has; for routes with a connector.")
    ] = None
    schema_: Annotated[
        Word | None, Field(alias="schema", description="Schema of the data, where the route does not say.")
    ] = None

    @model_validator(mode="after")
    def _something(self) -> GivenDoc:
        if self.event is None and not self.events and self.file is None and not self.files:
            raise problem("TF1102", "nothing is given", "add `event:` or `file:`", path=())
        return self


class StubDoc(Skeleton):
    """What stands in for a step, a sink or a connection. It fails always unless `lasts` or `times` ends that."""

    fail: Annotated[
        Literal["transient", "throttled", "permanent", "unknown_outcome"] | None,
        Field(description="Class of the failure."),
    ] = None
    reason: Annotated[Word | None, Field(description="Reason of the failure, as a work item shows it.")] = None
    status: Annotated[
        int | None, Field(ge=100, le=599, description="Fail (or not) as a web service does that answers so.")
    ] = None
    returns: Annotated[Raw, Field(description="What is answered: the reply of a call.")] = None
    delay: Annotated[DurationText, Field(description="How long an answer takes.")] = None
    lasts: Annotated[DurationText, Field(description="How long it fails, from the moment the test begins.")] = None
    times: Annotated[int | None, Field(ge=1, description="How many tries fail.")] = None
    applied: Annotated[
        bool, Field(description="With unknown_outcome: the effect was made before the answer got lost.")
    ] = False
    retry_after: Annotated[DurationText, Field(description="With throttled: how long we are asked to wait.")] = None


class ClockDoc(Skeleton):
    """The virtual clock."""

    start: Annotated[
        Word | None, Field(description="Date or time (UTC) the test begins at; noon of the business date if left out.")
    ] = None
    advance: Annotated[DurationText, Field(description="How long the test goes on after all is quiet.")] = None


class SinkExpectDoc(Skeleton):
    """What a sink received. Items are compared as subsets unless `$exact`; matchers start with `$`."""

    count: Annotated[Raw, Field(description="How many it applied.")] = None
    items: Annotated[list[Raw] | None, Field(description="The mapped documents, in any order.")] = None
    requests: Annotated[
        list[Raw] | None, Field(description="The whole requests (`with` and the mapped document), in any order.")
    ] = None
    order: Annotated[list[Raw] | None, Field(description="The mapped documents, in the order they were applied.")] = (
        None
    )
    attempts: Annotated[Raw, Field(description="Tries of the delivery that needed most of them.")] = None
    within: Annotated[DurationText, Field(description="All were applied this soon after the test began.")] = None


class ExpectDoc(Skeleton):
    """What has to be true at the end."""

    sinks: Annotated[
        dict[str, SinkExpectDoc], Field(description="By id of the sink; `route/sink` where several routes run.")
    ] = Field(default_factory=dict)
    work_items: Annotated[
        list[Raw] | None,
        Field(description="Open ones: route, sink, step, level, reason, owner, detail, data, event, attempts."),
    ] = None
    filtered: Annotated[Raw, Field(description="The reason of all, a count, or counts by reason.")] = None
    output: Annotated[Raw, Field(description="What the mapping gives.")] = None
    data: Annotated[Raw, Field(description="The document after the last step; a list after a split.")] = None
    schema_: Annotated[
        Word | None, Field(alias="schema", description="Schema of what the mapping gives, or of `data`.")
    ] = None
    reply: Annotated[Raw, Field(description="What a synchronous source answered.")] = None
    duplicates: Annotated[Raw, Field(description="How many copies were absorbed.")] = None
    error: Annotated[Raw, Field(description="Why the mapping fails: the reason, or reason, detail and field.")] = None


Invariant = Literal["applied_at_most_once", "debit_equals_credit", "nothing_unaccounted", "same_state_in_any_order"]


class CaseDoc(Skeleton):
    """One test."""

    name: Annotated[Word, Field(description="A sentence that says what holds.")]
    kind: Annotated[
        Literal["example", "promise"],
        Field(
            description="A promise holds under every overlay, in invariants; of a mapping wherever a region fills it."
        ),
    ] = "example"
    route: Annotated[
        Name | None, Field(description="The route under test, which the data enters; the file's name if left out.")
    ] = None
    routes: Annotated[
        list[Name] | Literal["all"] | None, Field(description="Routes that run besides it, so that events go on.")
    ] = None
    mapping: Annotated[Name | None, Field(description="The mapping under test, instead of a route.")] = None
    params: Annotated[dict[str, Raw], Field(description="Values of the route's parameters.")] = Field(
        default_factory=dict
    )
    given: GivenDoc
    stub: Annotated[
        dict[str, StubDoc], Field(description="By id of a step or sink, or by connection; `route/id` where needed.")
    ] = Field(default_factory=dict)
    clock: ClockDoc | None = None
    expect: ExpectDoc | None = None
    invariants: Annotated[
        list[Invariant], Field(description="What holds whatever happens; of a mapping alone: debit_equals_credit.")
    ] = Field(default_factory=list)
    review_by: Annotated[Date | None, Field(description="The test fails when it begins after this day.")] = None

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

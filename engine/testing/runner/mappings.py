"""A case about a mapping alone: one document in, one out, or an error."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from engine.compile.plan import EventType, Plan, RouteSet
from engine.core.clock import day_of
from engine.core.errors import Failure
from engine.core.event import Event
from engine.core.ids import digest
from engine.core.jsonx import digest_of
from engine.runtime.ingress.identity import identified
from engine.runtime.plans import no_plan
from engine.runtime.router.env import RouteEnv, Surroundings
from engine.runtime.tables import Tables
from engine.testing.clock import VirtualClock, current_clock, run_virtual
from engine.testing.expect import mismatches
from engine.testing.runner.chosen import TestCase
from engine.testing.runner.givens import Given
from engine.testing.runner.project import TestProject
from engine.testing.runner.tablefiles import SteadyFiles
from engine.testing.runner.values import BadTest
from engine.testing.runner.world import begins


def mapping_differences(project: TestProject, case: TestCase, given: Given) -> list[str]:
    """Sentences about everything that is not as expected. Raises BadTest."""
    if len(given.documents) != 1:
        raise BadTest("a test of a mapping has one document: give one `event:`")
    mapper = project.routeset.mappings.get(case.subject.mapping)
    if mapper is None:
        raise BadTest(f"there is no mapping `{case.subject.mapping}`")
    expect = case.doc.expect
    if expect is None:
        raise BadTest("a test of a mapping says in `expect` what it gives")
    made, failure = run_virtual(_apply(project, case, given))
    if failure is not None:
        return _failed(failure, expect.error)
    told = [f"it gives a document, expected the error {expect.error}"] if expect.error is not None else []
    if expect.output is not None:
        told += mismatches(made, expect.output, "output")
    if expect.schema_ is not None:
        told += mismatches(mapper.output, expect.schema_, "schema")
    if expect.error is None and expect.output is None and expect.schema_ is None:
        raise BadTest("a test of a mapping expects `output`, `schema` or `error`")
    return told


async def _apply(project: TestProject, case: TestCase, given: Given) -> tuple[Any, Failure | None]:
    routeset, document = project.routeset, given.documents[0]
    name = case.doc.given.schema_ or str(getattr(routeset.mappings[case.subject.mapping], "input", ""))
    type_ = routeset.types.get(name)
    clock = current_clock(begins(case, given, type_))
    tables = Tables(routeset.tables, SteadyFiles(routeset.files), clock, lambda text, facts: None)
    await tables.refresh()
    around = Surroundings(tables, project.secrets, clock)
    env = RouteEnv(_plan(routeset, case), _event(document, name, type_, clock), name, around)
    try:
        return routeset.mappings[case.subject.mapping].apply(document, env), None
    except Failure as failure:
        return None, failure


def _event(document: Any, name: str, type_: EventType | None, clock: VirtualClock) -> Event:
    """The event the document would be the data of. A document whose identity is incomplete has a made-up one."""
    origin, now = digest_of(document), clock.now()
    event = Event(digest("test", origin), name or "native/test", "test", document, now, day_of(now), origin=origin)
    if type_ is None:
        return event
    try:
        return identified(event, type_, clock).event
    except Failure:
        return event


def _plan(routeset: RouteSet, case: TestCase) -> Plan:
    """A route that uses the mapping, for its parameters, with those the case gives."""
    users = [
        plan
        for plan in routeset.plans.values()
        if any(sink.mapper is not None and sink.mapper.name == case.subject.mapping for sink in plan.sinks)
        or any(sink.call and sink.call.mapper and sink.call.mapper.name == case.subject.mapping for sink in plan.sinks)
    ]
    plan = users[0] if users else no_plan("test")
    params = plan.params if users else {k: v for known in routeset.plans.values() for k, v in known.params.items()}
    return structs.replace(plan, params={**params, **case.doc.params})


def _failed(failure: Failure, expected: Any) -> list[str]:
    if expected is None:
        return [f"it fails: {failure}"]
    if isinstance(expected, str):
        return mismatches(failure.reason, expected, "error")
    facts = {"reason": failure.reason, "detail": failure.detail, "field": failure.data.get("field", "")}
    return mismatches({**facts, "data": dict(failure.data)}, expected, "error")

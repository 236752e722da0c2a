"""A case about a mapping alone: one document in, one out, or an error. In a scope it is the mapping as regions fill it."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import structs

from engine.compile.plan import EventType, Plan, RouteSet
from engine.config.models.tests import ExpectDoc
from engine.core.clock import day_of
from engine.core.errors import Failure
from engine.core.event import Event
from engine.core.ids import digest
from engine.core.jsonx import digest_of
from engine.plugins.build import DocumentMapper
from engine.runtime.ingress.identity import identified
from engine.runtime.plans import no_plan
from engine.runtime.router.env import RouteEnv, Surroundings
from engine.runtime.tables import Tables
from engine.testing.clock import VirtualClock, current_clock, run_virtual
from engine.testing.expect import mismatches
from engine.testing.runner.chosen import TestCase
from engine.testing.runner.givens import Given
from engine.testing.runner.project import TestProject
from engine.testing.runner.promises import BALANCED, unbalanced
from engine.testing.runner.scoped import on_day
from engine.testing.runner.tablefiles import SteadyFiles
from engine.testing.runner.values import BadTest
from engine.testing.runner.world import begins


class _Used(NamedTuple):
    """A mapping, and the Plan it is used in."""

    mapper: DocumentMapper
    plan: Plan


def mapping_differences(project: TestProject, case: TestCase, given: Given) -> list[str]:
    """Sentences about everything that is not as expected. Raises BadTest."""
    if len(given.documents) != 1:
        raise BadTest("a test of a mapping has one document: give one `event:`")
    if case.subject.mapping not in project.routeset.mappings:
        raise BadTest(f"there is no mapping `{case.subject.mapping}`")
    expect = _sound(case)
    used = _used(project.routeset, case)
    made, failure = run_virtual(_apply(project, case, given, used))
    if failure is not None:
        return _failed(failure, expect.error)
    told = [f"it gives a document, expected the error {expect.error}"] if expect.error is not None else []
    if expect.output is not None:
        told += mismatches(made, expect.output, "output")
    if expect.schema_ is not None:
        told += mismatches(used.mapper.output, expect.schema_, "schema")
    return told + (_unbalanced(made) if case.doc.invariants else [])


def _sound(case: TestCase) -> ExpectDoc:
    """What it expects. Raises BadTest when that says nothing of a mapping."""
    if others := [name for name in case.doc.invariants if name != BALANCED]:
        raise BadTest(f"`{others[0]}` is about a route; of a mapping alone `{BALANCED}` can be promised")
    expect = case.doc.expect or ExpectDoc()
    if case.doc.invariants or any(one is not None for one in (expect.error, expect.output, expect.schema_)):
        return expect
    raise BadTest("a test of a mapping says in `expect` what it gives: `output`, `schema` or `error`")


def _unbalanced(made: Any) -> list[str]:
    told, lists = unbalanced(made, "what it gives")
    return told if lists else ["it gives nothing with debit and credit: the promise says nothing here"]


async def _apply(project: TestProject, case: TestCase, given: Given, used: _Used) -> tuple[Any, Failure | None]:
    routeset = project.routeset
    name = case.doc.given.schema_ or str(getattr(used.mapper, "input", ""))
    type_ = routeset.types.get(name)
    given = given if case.scope is None else on_day(given, type_, case.scope)
    document = given.documents[0]
    clock = current_clock(begins(case, given, type_))
    tables = Tables(routeset.tables, SteadyFiles(routeset.files), clock, lambda text, facts: None)
    await tables.refresh()
    around = Surroundings(tables, project.secrets, clock)
    env = RouteEnv(used.plan, _event(document, name, type_, clock), name, around)
    try:
        return used.mapper.apply(document, env), None
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


def _used(routeset: RouteSet, case: TestCase) -> _Used:
    """The mapping in a route that uses it, for its parameters, with those the case gives; in a scope as it is there."""
    name, scope = case.subject.mapping, case.scope
    if scope is not None:
        plan = scope.plan(routeset, scope.route)
        return _Used(plan.mappers[name], structs.replace(plan, params={**plan.params, **case.doc.params}))
    users = [plan for plan in routeset.plans.values() if name in plan.mappers]
    params = users[0].params if users else {k: v for plan in routeset.plans.values() for k, v in plan.params.items()}
    plan = structs.replace(users[0] if users else no_plan("test"), params={**params, **case.doc.params})
    return _Used(routeset.mappings[name], plan)


def _failed(failure: Failure, expected: Any) -> list[str]:
    if expected is None:
        return [f"it fails: {failure}"]
    if isinstance(expected, str):
        return mismatches(failure.reason, expected, "error")
    facts = {"reason": failure.reason, "detail": failure.detail, "field": failure.data.get("field", "")}
    return mismatches({**facts, "data": dict(failure.data)}, expected, "error")

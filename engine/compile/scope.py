"""What the pieces of one route share while it is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from engine.compile.catalog import Catalog
from engine.compile.flow import Flow
from engine.compile.measures import Measures
from engine.compile.plan import PlannedSink
from engine.compile.report import Place
from engine.core.findings import Mark
from engine.expr.shape import Known
from engine.expr.shape.results import literal
from engine.plugins.build import DocumentMapper


@dataclass
class Uses:
    """What a Plan depends on; `digests` go into its own."""

    digests: dict[str, str] = field(default_factory=dict)
    tables: set[str] = field(default_factory=set)
    connections: set[str] = field(default_factory=set)
    mappers: dict[str, DocumentMapper] = field(default_factory=dict)
    taps: dict[str, Flow] = field(default_factory=dict)  # sink -> what its copies look like
    added: dict[str, Place] = field(default_factory=dict)  # last name of an `into` -> where it is written
    regrouped: str = ""  # id of the first `split` or `aggregate`: behind it there is not one output per event
    unusable: bool = False  # something it needs has findings of its own
    issuing: list[Mark] = field(default_factory=list)  # where a step makes fiscal records

    def add(self, other: Uses) -> None:
        """What a part of the route uses."""
        self.digests.update(other.digests)
        self.tables |= other.tables
        self.mappers.update(other.mappers)
        self.connections |= other.connections
        self.taps.update(other.taps)
        self.added.update(other.added)
        self.regrouped = self.regrouped or other.regrouped
        self.unusable |= other.unusable
        self.issuing += other.issuing


@dataclass
class Scope:
    """A route, or shared steps inside one.

    params     values of the parameters that `param()` and `${param.x}` see
    choices    the values a parameter may have, where they are listed
    sinks      ids of the route's sinks
    subflows   names of the shared steps around, outermost first
    any_param  a mapping: whose parameters are the route's that uses it
    disabled   sinks that are never selected here, as the base has them
    allowed    in a slot that regions fill: what its steps may reach; None elsewhere
    reading    inside a `try` that catches what does not answer: nothing is changed anywhere
    answers    whoever brought the event still waits for the reply
    keyed      an event that comes again is known as the same
    """

    catalog: Catalog
    route: str = ""
    criticality: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, list[Any]] = field(default_factory=dict)
    sinks: tuple[str, ...] = ()
    subflows: tuple[str, ...] = ()
    uses: Uses = field(default_factory=Uses)
    read_params: set[str] = field(default_factory=set)
    any_param: bool = False
    disabled: Mapping[str, PlannedSink] = field(default_factory=dict)
    allowed: frozenset[str] | None = None
    reading: bool = False
    answers: bool = False
    keyed: bool = False

    @property
    def financial(self) -> bool:
        return self.criticality == "financial"

    @cached_property
    def known(self) -> Known:
        """Shapes of what functions reach."""
        params = {name: literal(value) for name, value in self.params.items()}
        return Known(self.catalog.rows, params)

    @property
    def measures(self) -> Measures:
        return Measures(self.params)

    def inside(self, subflow: str, params: Mapping[str, Any], choices: Mapping[str, list[Any]]) -> Scope:
        """The same route, in shared steps with parameters of their own."""
        return Scope(
            self.catalog,
            self.route,
            self.criticality,
            params,
            choices,
            self.sinks,
            (*self.subflows, subflow),
            self.uses,
            allowed=self.allowed,
            reading=self.reading,
            answers=self.answers,
            keyed=self.keyed,
        )

"""Skeletons of region packs and overlays. Only their form is checked; targets are looked for when they are applied."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.config.models.base import (
    KEBAB,
    SNAKE,
    BaseRef,
    Date,
    Filled,
    Name,
    Raw,
    Skeleton,
    Word,
    keys_named,
    problem,
)
from engine.config.models.params import Layer
from engine.config.models.step import StepDoc
from engine.config.models.tests import ExpectDoc, GivenDoc


class PackFor(Skeleton):
    """Which events a pack is for."""

    company: Filled | None = None
    country: Filled | None = None
    state: Filled | None = None
    brand: Filled | None = None
    store_group: Filled | None = None


class LegalDoc(Skeleton):
    """The rule an overlay follows, and when somebody looks at it again."""

    ref: Word
    review_by: Date | None = None


class EffectiveDoc(Skeleton):
    """Business dates: from `since` on, up to and including `until`."""

    since: Date | None = None
    until: Date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> EffectiveDoc:
        if self.since is None and self.until is None:
            raise problem("TF1114", "`effective` names no date", "write since, until or both")
        if self.since and self.until and date.fromisoformat(self.until) < date.fromisoformat(self.since):
            raise problem("TF6004", "`until` is before `since`", "swap the dates", path=("until",))
        return self


class PackDoc(Skeleton):
    """A region: the layer it belongs to and the events it is for."""

    tillflow: Literal[1]
    pack: Name
    layer: Layer
    for_: Annotated[PackFor, Field(alias="for")]
    owner: Word
    summary: Word | None = None
    residency: Annotated[Word | None, Field(description="Zone its data must not leave.")] = None
    mode: Annotated[Literal["issue", "verify"] | None, Field(description="Who signs fiscal records.")] = None
    legal: list[LegalDoc] = Field(default_factory=list)

    @model_validator(mode="after")
    def _sound(self) -> PackDoc:
        if self.layer == "country" and self.residency is None:
            advice = "add `residency:`, the zone its data must not leave"
            raise problem("TF6003", "a country pack has no `residency`", advice, path=("layer",), key=True)
        if getattr(self.for_, self.layer) is None:
            advice = f"add `{self.layer}:` under `for`"
            raise problem(
                "TF6005", f"a pack of layer `{self.layer}` names no {self.layer}", advice, path=("for",), key=True
            )
        return self


class InsertDoc(Skeleton):
    """Steps before or after a step of the base route that allows it."""

    before: Name | None = None
    after: Name | None = None
    steps: Annotated[list[StepDoc], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_place(self) -> InsertDoc:
        if (self.before is None) == (self.after is None):
            raise problem("TF6009", "steps are inserted at one place", "write exactly one of `before` and `after`")
        return self


class DisableDoc(Skeleton):
    """A step or sink that does not run in this scope, and why."""

    id: Name
    reason: Word


class ChangeDoc(ExpectDoc):
    """An example test of the base route whose outcome this overlay changes."""

    test: Annotated[Word, Field(description="The `name` of a test of the base route, the whole of it.")]
    because: Annotated[Word, Field(description="Why the outcome is another one in this region.")]
    given: Annotated[
        GivenDoc | None, Field(description="What the test is given instead, such as an event of this region.")
    ] = None


_OPERATIONS = ("set", "connect", "fill", "fill_mapping", "insert", "disable")


class OverlayDoc(Skeleton):
    """What a region changes in a route of the base."""

    tillflow: Literal[1]
    overlay: Name
    base: Annotated[BaseRef, Field(description="The route it changes, with its major version: sales-posting@^2.")]
    summary: Word | None = None
    owner: Word | None = None
    legal: Annotated[list[LegalDoc], Field(description="The rules it follows.")] = Field(default_factory=list)
    review_by: Annotated[Date | None, Field(description="When somebody looks at it again.")] = None
    effective: Annotated[EffectiveDoc | None, Field(description="Business dates it is for: `since`, `until`.")] = None
    order: Annotated[int | None, Field(description="Which of two overlays of one layer comes first.")] = None
    set: Annotated[
        dict[str, Raw], keys_named(SNAKE, "a parameter"), Field(description="Parameters and their values.")
    ] = Field(default_factory=dict)
    connect: Annotated[
        dict[str, Name], keys_named(KEBAB, "a sink"), Field(description="Sinks and the connections they use instead.")
    ] = Field(default_factory=dict)
    fill: Annotated[
        dict[str, list[StepDoc]], keys_named(KEBAB, "a slot"), Field(description="Slots and the steps that fill them.")
    ] = Field(default_factory=dict)
    fill_mapping: Annotated[
        dict[str, dict[str, dict[str, Raw]]],
        keys_named(KEBAB, "a mapping"),
        Field(description="Mappings, their slots and the fields that fill them."),
    ] = Field(default_factory=dict)
    insert: Annotated[list[InsertDoc], Field(description="Steps before or after a step that allows it.")] = Field(
        default_factory=list
    )
    disable: Annotated[list[DisableDoc], Field(description="Steps and sinks that do not run, each with a reason.")] = (
        Field(default_factory=list)
    )
    expects_change: Annotated[list[ChangeDoc], Field(description="Tests of the base whose outcome it changes.")] = (
        Field(default_factory=list)
    )

    @model_validator(mode="after")
    def _changes_something(self) -> OverlayDoc:
        if not any(getattr(self, name) for name in _OPERATIONS):
            advice = f"write at least one of {', '.join(_OPERATIONS)}"
            raise problem("TF6001", "this overlay changes nothing", advice, path=("overlay",))
        return self

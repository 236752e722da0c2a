"""What a plugin is handed while a Plan is built: compilers, shared documents, and a place to report findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine.expr.env import Env
from engine.expr.jmes import Expr
from engine.expr.shape import Shape
from engine.expr.template import Template
from engine.plugins.fields import KeyExpr, RawSteps, ValueExpr
from engine.plugins.sequence import StepSequence
from engine.plugins.values import evaluate


class DocumentMapper(Protocol):
    """A compiled mapping: turns one document into another."""

    @property
    def name(self) -> str:
        """Name of the mapping in mappings/."""
        ...

    @property
    def output(self) -> str:
        """Schema of what it gives, `name@n`; empty when it declares none."""
        ...

    @property
    def made(self) -> Shape:
        """What is known of the documents it gives: what `output` says, else the names it writes."""
        ...

    def apply(self, data: Any, env: Env) -> Any:
        """The mapped document. Raises Failure `mapping-failed` naming the field."""
        ...


class Validator(Protocol):
    """A compiled JSON Schema."""

    name: str

    def violations(self, data: Any, limit: int = 100) -> list[tuple[str, str]]:
        """(JSON pointer, message) of everything that is wrong, at most `limit`."""
        ...

    def filled(self, data: Any) -> Any:
        """The data with the schema's defaults filled in where a property is missing."""
        ...


@dataclass(frozen=True)
class BoundCall:
    """A `use/connection/action` reference resolved to an action; `request` makes what is sent, from a frame."""

    use: str
    connection: str
    action: str
    guarantee: str | None
    values: Mapping[str, ValueExpr]
    mapper: DocumentMapper | None
    body: str

    def request(self, data: Any, env: Env) -> Any:
        """Evaluate `with` and `map`."""
        request: dict[str, Any] = {}
        for name, value in self.values.items():
            for made in evaluate(value, data, env, name):
                request[name] = made
        if self.mapper is None:
            return request
        mapped = self.mapper.apply(data, env)
        return {**request, self.body: mapped} if self.body else mapped


class Build(Protocol):
    """Handed to Step.__init__ and used as pydantic validation context of every Config."""

    route: str
    step: str  # id of the step being built

    def expression(self, text: str) -> Expr:
        """Compile JMESPath. Raises ExpressionError."""
        ...

    def template(self, text: str) -> Template:
        """Compile a Jinja template given in place. Raises ExpressionError."""
        ...

    def template_file(self, name: str) -> Template:
        """A template of mappings/templates/. A missing one is a finding at the field; answers an empty template."""
        ...

    def mapping(self, name: str) -> DocumentMapper:
        """A mapping by name; a missing one is a finding."""
        ...

    def validator(self, name: str) -> Validator:
        """A schema by `name@n`; a missing one is a finding."""
        ...

    def table(self, name: str) -> Shape:
        """Note that the step reads this table; a missing one is a finding. Answers the shape of a row."""
        ...

    def tap(self, sink: str, *path: str | int) -> None:
        """Note that this sink of the route gets copies from this step instead of the route's result; a missing one is
        a finding at `path`."""
        ...

    def steps(
        self, raw: RawSteps, *path: str | int, adds: Mapping[str, Shape] | None = None, reading: bool = False
    ) -> StepSequence:
        """Build nested steps. `path` leads from the step's body to the list; `adds` names what they see besides.

        reading   they must change nothing anywhere; one that does is a finding
        """
        ...

    def call(self, body: Mapping[str, Any], *path: str | int, adds: Mapping[str, Shape] | None = None) -> BoundCall:
        """Resolve `use`, `connection`, `action`, `with`, `map` of a call that stands at `path` of the step's body;
        `adds` names what its values see besides the data.

        Values of one that only reads may be secrets, unless `cached`: what is written down is found by them.
        """
        ...

    def subflow(self, name: str, params: Mapping[str, Any]) -> StepSequence:
        """Build shared steps with these parameters."""
        ...

    def slot(self, name: str) -> StepSequence:
        """What regions put into a slot of this route; empty on the base Plan."""
        ...

    def check(self, expr: Expr | KeyExpr | ValueExpr, shape: Shape, *path: str | int) -> None:
        """Check paths and types of an expression against a shape the generic pass does not know."""
        ...

    def finding(self, code: str, message: str, *path: str | int, help: str = "", suggestion: str = "") -> None:
        """Report a problem at `path` of the step's body."""
        ...

    @property
    def shape(self) -> Shape:
        """What is known of the data before this step."""
        ...

    def shape_of(self, schema: str) -> Shape:
        """The shape of a schema `name@n`; the unknown shape when there is none."""
        ...


__all__: Sequence[str] = ["BoundCall", "Build", "DocumentMapper", "Validator"]
